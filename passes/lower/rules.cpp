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
    if (graph[v].type.shape.size() > largest.size()) largest = graph[v].type.shape;
  };
  for (const ValueId v : group) {
    see(v);
    if (!info(graph[v].op).reads_shape_only) std::ranges::for_each(graph[v].inputs, see);
  }
  return largest.size() < 2 ? kBatch : largest[0];
}

LowerRule lower_rule(Op op) {
  if (info(op).kind == OpKind::elementwise) return lower_elementwise;
  switch (op) {
    case Op::input:
    case Op::state:
    case Op::batch_norm:
    case Op::linear:
      return nullptr;
    case Op::constant:
    case Op::element_count:
    case Op::channel_mean:
    case Op::channel_variance:
    case Op::channel_sum:
      return lower_elementwise;
    case Op::conv2d:
      return lower_conv2d;
    case Op::conv2d_input_grad:
      return lower_conv2d_input_grad;
    case Op::conv2d_weight_grad:
      return lower_conv2d_weight_grad;
    case Op::winograd_weight:
      return lower_winograd_weight;
    case Op::grouped_weight:
      return lower_grouped_weight;
    case Op::matmul:
      return lower_matmul;
    case Op::max_pool:
    case Op::max_pool_select:
      return lower_max_pool;
    case Op::max_pool_grad:
      return lower_max_pool_grad;
    case Op::avg_pool:
      return lower_avg_pool;
    case Op::avg_pool_grad:
      return lower_avg_pool_grad;
    case Op::global_avg_pool:
      return lower_global_avg_pool;
    case Op::global_avg_pool_grad:
      return lower_global_avg_pool_grad;
    case Op::pad_channels:
    case Op::slice_channels:
      return lower_channels;
    case Op::flatten:
    case Op::reshape:
    case Op::relayout:
      return lower_movement;
    case Op::softmax:
      return lower_softmax;
    case Op::softmax_grad:
      return lower_softmax_grad;
    case Op::cross_entropy:
      return lower_cross_entropy;
    case Op::cross_entropy_grad:
      return lower_cross_entropy_grad;
    case Op::normalize:
      return lower_normalize;
    case Op::resize:
      return lower_resize;
    default:
      unreachable(name(op));
  }
}

}  // namespace rnc
