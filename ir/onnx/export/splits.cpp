#include "ir/onnx/export/splits.h"

#include <algorithm>

#include "ir/ops/axis.h"

namespace rnc::onnx {
namespace {

bool is_slice(const Node& node) { return node.op == Op::slice || node.op == Op::slice_channels; }
int64_t axis_of(const Node& slice) {
  return slice.op == Op::slice ? rnc::axis_of(slice, slice.type.rank()) : 1;
}
int64_t begin_of(const Node& slice) { return slice.attributes.get<int64_t>("begin"); }
int64_t end_of(const Node& slice) { return slice.attributes.get<int64_t>("end"); }

// Whether each begins where the one before ends, and all make up `size` elements.
bool make_up(const Graph& graph, const std::vector<ValueId>& parts, int64_t size) {
  int64_t end = 0;
  for (const ValueId part : parts) {
    if (begin_of(graph[part]) != end) return false;
    end = end_of(graph[part]);
  }
  return end == size;
}

}  // namespace

std::map<ValueId, std::vector<ValueId>> find_splits(const Graph& graph, const std::vector<bool>& is_written) {
  std::map<std::pair<ValueId, int64_t>, std::vector<ValueId>> slices;  // by operand and axis
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (is_slice(node) && !is_written[i])
      slices[{node.inputs[0], axis_of(node)}].push_back(static_cast<ValueId>(i));
  }
  std::map<ValueId, std::vector<ValueId>> splits;
  for (auto& [of, parts] : slices) {
    const ValueId first = parts.front();
    std::ranges::sort(parts, {}, [&](ValueId part) { return begin_of(graph[part]); });
    const int64_t size = graph[of.first].type.shape[static_cast<size_t>(of.second)];
    if (parts.size() > 1 && make_up(graph, parts, size)) splits.emplace(first, std::move(parts));
  }
  return splits;
}

void write_split(Operation& op, const std::vector<ValueId>& parts) {
  const int64_t axis = axis_of(op.node());
  std::vector<int64_t> sizes;
  for (const ValueId part : parts) sizes.push_back(op.shape_of(part)[static_cast<size_t>(axis)]);
  op.results("Split", {op.operand(0), op.integers_of("split", sizes)}, parts, {{"axis", axis}});
}

}  // namespace rnc::onnx
