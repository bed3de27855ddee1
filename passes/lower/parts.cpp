#include "passes/lower/parts.h"

#include <algorithm>

#include "ir/ops/axis.h"

namespace rnc {
namespace {

constexpr int64_t kCacheLine = 64;

// Whole blocks along the second dimension, and none along others.
bool in_whole_blocks(const Type& type) {
  const Layout& layout = type.layout;
  if (!has_batch(type.shape) || layout.plain() || !layout.order.empty()) return false;
  for (int d = 0; d < type.rank(); ++d)
    if (d != 1 && layout.block(d) != 1) return false;
  return type.shape[1] % layout.block(1) == 0;
}

bool along_channels(const Node& node) {
  return (node.op == Op::concat || node.op == Op::slice) && axis_of(node, node.type.rank()) == 1;
}

}  // namespace

Parts::Parts(const Graph& graph, const Movable& movable) {
  std::map<int, int> nodes;  // by kernel
  for (const Node& node : graph.nodes) ++nodes[node.kernel];
  const auto possible = [&](ValueId v) {
    const Node& node = graph[v];
    return along_channels(node) && nodes[node.kernel] == 1 && movable(v) && in_whole_blocks(node.type);
  };
  // By kernels of convolutions, matrix products and windows.
  std::set<ValueId> read_by_large;
  std::set<int> large;
  for (const Node& node : graph.nodes) {
    const OpKind kind = info(node.op).kind;
    if (kind == OpKind::contraction || kind == OpKind::window) large.insert(node.kernel);
  }
  for (const Node& node : graph.nodes)
    if (large.contains(node.kernel)) read_by_large.insert(node.inputs.begin(), node.inputs.end());
  // The last first: what it joins may be joined of others.
  const auto count = static_cast<ValueId>(graph.nodes.size());
  for (ValueId v = count; v-- > 0;)
    if (graph[v].op == Op::concat && possible(v)) place_operands(graph, v, movable);
  for (ValueId v = 0; v < count; ++v)
    if (graph[v].op == Op::slice && possible(v) && movable(graph[v].inputs[0]) && !read_by_large.contains(v))
      place_slice(graph, v);
}

const Part* Parts::find(ValueId v) const {
  const auto found = parts_.find(v);
  return found == parts_.end() ? nullptr : &found->second;
}

Part Parts::place_of(const Graph& graph, ValueId v) const {
  const Part* part = find(v);
  return part != nullptr ? *part : Part{v, 0, storage_bytes_per_sample(graph[v].type)};
}

bool Parts::follow_each_other(const Graph& graph, ValueId v) const {
  const std::vector<ValueId>& operands = graph[v].inputs;
  const Part* first = find(operands.front());
  if (first == nullptr) return false;
  int64_t next = first->offset;
  return std::ranges::all_of(operands, [&](ValueId u) {
    const Part* part = find(u);
    const bool there = part != nullptr && part->whole == first->whole && part->offset == next &&
                       graph[u].type.dtype == graph[v].type.dtype;
    next += storage_bytes_per_sample(graph[u].type);
    return there;
  });
}

void Parts::place_operands(const Graph& graph, ValueId v, const Movable& movable) {
  const std::vector<ValueId>& operands = graph[v].inputs;
  if (find(v) == nullptr && follow_each_other(graph, v)) {
    parts_[v] = *find(operands.front());
    free_.insert(v);
    return;
  }
  Part place = place_of(graph, v);
  std::map<ValueId, Part> placed;
  for (const ValueId u : operands) {
    const bool fits = place.offset % kCacheLine == 0 && place.pitch % kCacheLine == 0;
    const bool free = find(u) == nullptr && movable(u) && in_whole_blocks(graph[u].type) &&
                      graph[u].type.dtype == graph[v].type.dtype;
    if (!fits || !free || !placed.emplace(u, place).second) return;
    place.offset += storage_bytes_per_sample(graph[u].type);
  }
  parts_.merge(placed);
  free_.insert(v);
}

void Parts::place_slice(const Graph& graph, ValueId v) {
  const Node& node = graph[v];
  const ValueId u = node.inputs[0];
  const Type& type = graph[u].type;
  const auto begin = node.attributes.get<int64_t>("begin");
  if (find(v) != nullptr || !in_whole_blocks(type) || type.dtype != node.type.dtype ||
      begin % type.layout.block(1) != 0)
    return;
  Part place = place_of(graph, u);
  place.offset += storage_bytes_per_sample(type) / type.shape[1] * begin;
  if (place.offset % kCacheLine != 0 || place.pitch % kCacheLine != 0) return;
  parts_[v] = place;
  free_.insert(v);
}

}  // namespace rnc
