#include "ir/onnx/joined.h"

#include <array>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "ir/onnx/call.h"
#include "ir/onnx/node_trail.h"
#include "ir/ops/resample.h"

namespace rnc::onnx {
namespace {

using proto::AttributeProto;
using proto::NodeProto;
using proto::TensorProto;

constexpr int kFractionBits = 22;  // of Pillow's coefficients

void make(NodeProto& node, const std::string& op, const std::string& operand) {
  const std::string input = operand;  // which may be the node's own
  node.set_domain(kOwnDomain);
  node.set_op_type(op);
  node.clear_attribute();
  node.clear_input();
  node.add_input(input);
}
void set(NodeProto& node, const std::string& name, std::array<int64_t, 2> values) {
  AttributeProto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(AttributeProto::INTS);
  for (const int64_t value : values) attribute->add_ints(value);
}
void set(NodeProto& node, const std::string& name, std::span<const float> values) {
  AttributeProto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(AttributeProto::FLOATS);
  for (const float value : values) attribute->add_floats(value);
}

// --- Bytes resized: a product with a matrix of Pillow's coefficients along each dimension, rounded

// The product whose sums are rounded to bytes, if the value is that.
const NodeProto* product_of(const std::string& value, NodeTrail& trail) {
  const auto is_power = [&](const std::string& name, int bits) {
    return trail.is_number(name, TensorProto::INT32, static_cast<double>(1 << bits));
  };
  const NodeProto* quotient = trail.maker(value, "Div");
  if (quotient == nullptr || !is_power(quotient->input(1), kFractionBits)) return nullptr;
  const NodeProto* sum = trail.maker(quotient->input(0), "Add");
  if (sum == nullptr || !is_power(sum->input(1), kFractionBits - 1)) return nullptr;
  return trail.maker(sum->input(0), "MatMul");
}

// Along one dimension: how many elements become how many.
struct Lines {
  int64_t from = 0, to = 0;
};

// Of a matrix that has Pillow's coefficients: a row for each place of the result, or a column.
std::optional<Lines> lines_of(const std::string& name, bool by_row, const NodeTrail& trail) {
  const TensorProto* tensor = trail.initializer(name, TensorProto::INT32);
  if (tensor == nullptr || tensor->dims_size() != 2) return {};
  const std::optional<Constant> matrix = trail.read(*tensor);
  if (!matrix) return {};
  const Sizes& numbers = matrix->whole;
  const Lines lines{tensor->dims(by_row ? 1 : 0), tensor->dims(by_row ? 0 : 1)};
  if (lines.from < 1 || lines.to < 1) return {};
  Sizes expected(numbers.size());
  const AxisTaps taps = pillow_taps(lines.from, lines.to);
  for (size_t place = 0; place < taps.size(); ++place)
    for (const Tap& tap : taps[place]) {
      const auto at = static_cast<size_t>(tap.index);
      expected[by_row ? place * static_cast<size_t>(lines.from) + at : at * taps.size() + place].number +=
          static_cast<int64_t>(tap.weight);
    }
  if (numbers != expected) return {};
  return lines;
}

bool join_resize(NodeProto& last, NodeTrail& trail) {
  if (type_of_cast(last) != TensorProto::UINT8 || last.input_size() != 1) return false;
  const NodeProto* rows = product_of(last.input(0), trail);
  const NodeProto* columns = rows == nullptr ? nullptr : product_of(rows->input(1), trail);
  const NodeProto* bytes = columns == nullptr ? nullptr : trail.maker(columns->input(0), "Cast");
  if (bytes == nullptr || type_of_cast(*bytes) != TensorProto::INT32) return false;
  const auto height = lines_of(rows->input(0), true, trail),
             width = lines_of(columns->input(1), false, trail);
  if (!height || !width) return false;
  make(last, "ResizeBytes", bytes->input(0));
  set(last, "from", {height->from, width->from});
  set(last, "size", {height->to, width->to});
  return true;
}

// --- (x / 255 - mean) / std

// A number for each channel: [C, 1, 1], or the same of one image; empty where it is not.
std::vector<float> of_channels(const std::string& name, const NodeTrail& trail) {
  constexpr int64_t kMostChannels = 1024;
  const TensorProto* tensor = trail.initializer(name, TensorProto::FLOAT);
  const int rank = tensor == nullptr ? 0 : tensor->dims_size();
  if (rank < 3 || rank > 4 || (rank == 4 && tensor->dims(0) != 1)) return {};
  const int64_t channels = tensor->dims(rank - 3);
  if (tensor->dims(rank - 1) != 1 || tensor->dims(rank - 2) != 1 || channels < 1 || channels > kMostChannels)
    return {};
  const std::optional<Constant> numbers = trail.read(*tensor);
  return numbers ? *numbers->reals : std::vector<float>();
}

bool join_normalize(NodeProto& last, NodeTrail& trail) {
  if (last.op_type() != "Div" || last.input_size() != 2) return false;
  const NodeProto* centred = trail.maker(last.input(0), "Sub");
  const NodeProto* share = centred == nullptr ? nullptr : trail.maker(centred->input(0), "Div");
  if (share == nullptr || !trail.is_number(share->input(1), TensorProto::FLOAT, 255)) return false;
  const NodeProto* real = trail.maker(share->input(0), "Cast");
  if (real == nullptr || type_of_cast(*real) != TensorProto::FLOAT) return false;
  const std::vector<float> mean = of_channels(centred->input(1), trail),
                           std = of_channels(last.input(1), trail);
  if (mean.empty() || mean.size() != std.size()) return false;
  make(last, "Normalize", real->input(0));
  set(last, "mean", mean);
  set(last, "std", std);
  return true;
}

}  // namespace

void join_nodes(proto::GraphProto& graph, const std::string& directory) {
  constexpr int kMost = 16;  // resized images that are looked at: each costs reading two matrices
  NodeTrail trail(graph, directory);
  std::set<int, std::greater<>> taken;  // nodes that are parts of others now, the last first
  int looked_at = 0;
  for (int i = 0; i < graph.node_size(); ++i) {
    NodeProto& node = *graph.mutable_node(i);
    const bool may_be_resized = type_of_cast(node) == TensorProto::UINT8 && looked_at++ < kMost;
    trail.begin();
    if (may_be_resized ? join_resize(node, trail) : join_normalize(node, trail))
      taken.insert(trail.parts().begin(), trail.parts().end());
  }
  for (const int i : taken) graph.mutable_node()->DeleteSubrange(i, 1);
}

}  // namespace rnc::onnx
