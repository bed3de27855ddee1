#include "ir/onnx/weights.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "ir/onnx/call.h"

namespace rnc::onnx {
namespace {

using proto::GraphProto;
using proto::NodeProto;
using proto::TensorProto;

// Who computes and who reads each value of a graph.
class Uses {
 public:
  explicit Uses(GraphProto& graph) {
    for (TensorProto& tensor : *graph.mutable_initializer()) initializers_[tensor.name()] = &tensor;
    for (const NodeProto& node : graph.node()) {
      for (const std::string& name : node.input()) readers_[name].push_back(&node);
      for (const std::string& name : node.output()) makers_[name] = &node;
    }
  }

  struct Source {
    TensorProto* tensor = nullptr;
    bool is_transposed = false, is_shared = false;
  };
  // The initializer that the value is, or is made of by moving its elements.
  Source source(std::string name) const {
    Source result;
    for (size_t steps = 0; steps < 8; ++steps) {
      result.is_shared |= readers(name).size() > 1;
      if (const auto found = initializers_.find(name); found != initializers_.end()) {
        result.tensor = found->second;
        return result;
      }
      const auto maker = makers_.find(name);
      if (maker == makers_.end() || maker->second->input_size() != 1) return result;
      const NodeProto& node = *maker->second;
      if (node.op_type() != "Identity" && node.op_type() != "Transpose") return result;
      result.is_transposed ^= node.op_type() == "Transpose";
      name = node.input(0);
    }
    return {};
  }
  const std::vector<const NodeProto*>& readers(const std::string& name) const {
    static const std::vector<const NodeProto*> none;
    const auto found = readers_.find(name);
    return found == readers_.end() ? none : found->second;
  }

 private:
  std::unordered_map<std::string, TensorProto*> initializers_;
  std::unordered_map<std::string, std::vector<const NodeProto*>> readers_;
  std::unordered_map<std::string, const NodeProto*> makers_;
};

int64_t attribute(const NodeProto& node, std::string_view name) {
  for (const auto& attribute : node.attribute())
    if (attribute.name() == name) return attribute.i();
  return 0;
}

bool is_vector(const TensorProto& tensor, int64_t size) {
  const int last = tensor.dims_size() - 1;
  for (int d = 0; d <= last; ++d)
    if (tensor.dims(d) != (d == last ? size : 1)) return false;
  return last >= 0;
}

// The vector that is added to the only result of a node.
Uses::Source added(const NodeProto& node, const Uses& uses) {
  if (node.output_size() == 0 || uses.readers(node.output(0)).size() != 1) return {};
  const NodeProto& reader = *uses.readers(node.output(0))[0];
  if (reader.op_type() != "Add" || reader.input_size() != 2) return {};
  return uses.source(reader.input(reader.input(0) == node.output(0) ? 1 : 0));
}

// No weight: the node is no such layer.
WeightedNode layer_of(const NodeProto& node, const Uses& uses) {
  const std::string& op = node.op_type();
  const bool is_conv = op == "Conv", is_gemm = op == "Gemm";
  if ((!is_conv && !is_gemm && op != "MatMul") || node.input_size() < 2) return {};
  const Uses::Source weight = uses.source(node.input(1));
  const int rank = weight.tensor == nullptr ? 0 : weight.tensor->dims_size();
  if (is_conv ? rank < 3 || weight.is_transposed : rank != 2) return {};
  const bool is_rows = is_conv || (is_gemm && attribute(node, "transB") != 0);
  WeightedNode layer{&node, weight.tensor, nullptr, is_rows == weight.is_transposed ? 1 : 0,
                     weight.is_shared};
  const bool has_bias = node.input_size() > 2 && !node.input(2).empty();
  const Uses::Source bias = has_bias ? uses.source(node.input(2)) : added(node, uses);
  if (bias.tensor == nullptr || !is_vector(*bias.tensor, layer.outputs())) return layer;
  layer.bias = bias.tensor;
  layer.is_shared |= bias.is_shared;
  return layer;
}

}  // namespace

std::string WeightedNode::name() const { return layer_name(*node, weight->name()); }

int64_t WeightedNode::inputs() const {
  int64_t count = 1;
  for (int d = 0; d < weight->dims_size(); ++d) {
    const bool counts = d != outputs_axis;
    if (counts && (weight->dims(d) < 1 || __builtin_mul_overflow(count, weight->dims(d), &count))) return 0;
  }
  return count;
}

std::vector<WeightedNode> last_layers(GraphProto& graph) {
  const Uses uses(graph);
  std::vector<WeightedNode> layers;
  std::unordered_set<std::string> leads_to_layer;  // values
  for (int i = graph.node_size(); i-- > 0;) {
    const NodeProto& node = graph.node(i);
    const bool leads = std::ranges::any_of(
        node.output(), [&](const std::string& name) { return leads_to_layer.contains(name); });
    const WeightedNode layer = layer_of(node, uses);
    if (layer.weight != nullptr && !leads) layers.push_back(layer);
    if (layer.weight != nullptr || leads) leads_to_layer.insert(node.input().begin(), node.input().end());
  }
  std::ranges::reverse(layers);
  return layers;
}

}  // namespace rnc::onnx
