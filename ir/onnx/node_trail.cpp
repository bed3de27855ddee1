#include "ir/onnx/node_trail.h"

#include "ir/graph/diagnostics.h"
#include "ir/onnx/tensor.h"

namespace rnc::onnx {

NodeTrail::NodeTrail(const proto::GraphProto& graph, const std::string& directory)
    : graph_(graph), directory_(directory) {
  for (const proto::TensorProto& tensor : graph.initializer()) initializers_[tensor.name()] = &tensor;
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& name : graph.node(i).input()) ++readers_[name];
    for (const std::string& name : graph.node(i).output()) makers_[name] = i;
  }
  for (const proto::ValueInfoProto& output : graph.output()) ++readers_[output.name()];
}

const proto::NodeProto* NodeTrail::maker(const std::string& value, std::string_view op) {
  const auto found = makers_.find(value);
  const auto readers = readers_.find(value);
  if (found == makers_.end() || readers == readers_.end() || readers->second != 1) return nullptr;
  const proto::NodeProto& node = graph_.node(found->second);
  if (node.op_type() != op || node.input_size() != (op == "Cast" ? 1 : 2)) return nullptr;
  parts_.push_back(found->second);
  return &node;
}

const proto::TensorProto* NodeTrail::initializer(const std::string& value, int type) const {
  const auto found = initializers_.find(value);
  return found != initializers_.end() && found->second->data_type() == type ? found->second : nullptr;
}

std::optional<Constant> NodeTrail::read(const proto::TensorProto& tensor) const {
  try {
    return read_tensor(tensor, directory_);
  } catch (const UserError&) {
    return {};
  }
}

bool NodeTrail::is_number(const std::string& value, int type, double number) const {
  const proto::TensorProto* tensor = initializer(value, type);
  if (tensor == nullptr || tensor->dims_size() > 0) return false;
  const std::optional<Constant> constant = read(*tensor);
  return constant && constant->elements() == 1 && constant->real(0) == number;
}

int64_t type_of_cast(const proto::NodeProto& node) {
  for (const auto& attribute : node.attribute())
    if (node.op_type() == "Cast" && attribute.name() == "to") return attribute.i();
  return proto::TensorProto::UNDEFINED;
}

}  // namespace rnc::onnx
