// Dimensions in another order.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

using Order = std::vector<int64_t>;

const Order& order_of(const Node& node) { return node.attributes.get<Order>("order"); }

Type infer_permute(const Node& node, Types in) {
  require_real_at_least(node, in[0], 1, "the operand");
  const Order& order = order_of(node);
  Order sorted = order;
  std::ranges::sort(sorted);
  Order all(in[0].shape.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  if (sorted != all)
    fail(node, fmt::format("order must name each dimension of {} once, not [{}]", str(in[0]),
                           fmt::join(order, ", ")));
  Shape shape;
  for (const int64_t d : order) shape.push_back(in[0].shape[static_cast<size_t>(d)]);
  if (has_batch(in[0].shape) && order[0] != 0) fail(node, "the batch stays in front: order begins with 0");
  return like(in[0], std::move(shape));
}

void evaluate_permute(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  const Order& order = order_of(context.node);
  std::vector<size_t> strides(order.size(), 1);  // of x
  for (size_t d = order.size() - 1; d-- > 0;)
    strides[d] = strides[d + 1] * static_cast<size_t>(x.shape[d + 1]);
  TensorData& y = context.result;
  for (size_t i = 0; i < y.values.size(); ++i) {
    size_t from = 0, rest = i;
    for (size_t d = order.size(); d-- > 0;) {
      const auto size = static_cast<size_t>(y.shape[d]);
      from += rest % size * strides[static_cast<size_t>(order[d])];
      rest /= size;
    }
    y.values[i] = x.values[from];
  }
}

std::vector<ValueId> gradient_permute(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Order& order = order_of(b[forward]);
  Order back(order.size());
  for (size_t d = 0; d < order.size(); ++d) back[static_cast<size_t>(order[d])] = static_cast<int64_t>(d);
  Attributes attributes;
  attributes.set("order", std::move(back));
  return {b.emit(Op::permute, {dy}, std::move(attributes))};
}

}  // namespace

OpInfo permute() {
  return {.op = Op::permute,
          .name = "permute",
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .attributes = {{"order", AttributeKind::integers, {}}},
          .doc = "the dimensions in another order: dimension d of the result is order[d] of the operand",
          .infer = infer_permute,
          .gradient = gradient_permute,
          .evaluate = evaluate_permute};
}

}  // namespace rnc::ops
