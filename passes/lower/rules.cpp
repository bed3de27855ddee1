#include "passes/lower/rules.h"

#include <algorithm>
#include <set>

namespace rnc {

ValueId anchor_of(const Graph& graph, const Group& group) {
  ValueId anchor = kNoValue;
  for (const ValueId v : group) {
    const OpKind kind = info(graph[v].op).kind;
    if (kind != OpKind::contraction && kind != OpKind::window) continue;
    check(anchor == kNoValue, "a kernel has one anchor");
    anchor = v;
  }
  return anchor == kNoValue ? group.front() : anchor;
}

Group epilogue_of(const Graph& graph, const Group& group) {
  const ValueId anchor = anchor_of(graph, group);
  std::set<ValueId> needed;
  Group epilogue;
  for (auto v = group.rbegin(); v != group.rend(); ++v) {
    if (*v < anchor && !needed.contains(*v)) continue;
    epilogue.insert(epilogue.begin(), *v);
    if (*v == anchor || info(graph[*v].op).reads_shape_only) continue;
    needed.insert(graph[*v].inputs.begin(), graph[*v].inputs.end());
  }
  return epilogue;
}

// Of a convolution or pool, its first operand tells; of all others, the value of most dimensions.
int64_t images_of(const Graph& graph, const Group& group) {
  const ValueId anchor = anchor_of(graph, group);
  const OpKind kind = info(graph[anchor].op).kind;
  if (kind == OpKind::contraction || kind == OpKind::window)
    return graph[graph[anchor].inputs[0]].type.shape[0];
  Shape largest;
  const auto see = [&](ValueId v) {
    const Shape& shape = graph[v].type.shape;
    const bool more = shape.size() > largest.size();
    if (more || (shape.size() == largest.size() && has_batch(shape))) largest = shape;
  };
  for (const ValueId v : group) {
    see(v);
    if (!info(graph[v].op).reads_shape_only) std::ranges::for_each(graph[v].inputs, see);
  }
  return largest.size() < 2 ? kBatch : largest[0];
}

void lower_none(Lowering& lowering, const Group& group) {
  unreachable(name(lowering.node(group.front()).op));
}

LowerRule lower_rule(Op op) {
  constexpr LowerRule kRules[] = {
#define RNC_OP(name, family, kernel) lower_##kernel,
#include "ir/ops/ops.def"
#undef RNC_OP
  };
  const LowerRule rule = kRules[static_cast<size_t>(op)];
  return rule == lower_none ? nullptr : rule;
}

}  // namespace rnc
