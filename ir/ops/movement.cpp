// The same elements in another shape or layout; row-major order is kept.
#include <fmt/format.h>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Type infer_flatten(const Node& node, Types in) {
  require_real_at_least(node, in[0], 1, "the operand");
  const Shape& x = in[0].shape;
  return like(in[0], {x[0], elements_per_sample(Shape(x.begin() + 1, x.end()))});
}

Type infer_reshape(const Node& node, Types in) {
  require_real_at_least(node, in[0], 0, "the operand");
  const auto& shape = node.attributes.get<std::vector<int64_t>>("shape");
  int64_t elements = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == kBatch && d == 0) continue;
    if (shape[d] < 1) {
      fail(node,
           fmt::format("a size must be at least 1, or -1 for the batch in front; shape has {}", shape[d]));
    }
    elements = checked_product(elements, shape[d], node.location, "reshape: the shape");
  }
  if (has_batch(shape) != has_batch(in[0].shape) || elements != elements_per_sample(in[0].shape)) {
    fail(node, fmt::format("{} does not have the elements of {}", str(in[0]), str(like(in[0], shape))));
  }
  return like(in[0], shape);
}

Type infer_relayout(const Node& node, Types in) {
  require_real_at_least(node, in[0], 0, "the operand");
  return like(in[0], in[0].shape);
}

void evaluate_copy(EvalContext& context) { context.result.values = context.inputs[0]->values; }

std::vector<ValueId> gradient_reshape(GraphBuilder& b, ValueId forward, ValueId dy) {
  return {emit_reshape(b, dy, b[b[forward].inputs[0]].type.shape)};
}

std::vector<ValueId> gradient_relayout(GraphBuilder&, ValueId, ValueId dy) { return {dy}; }

OpInfo movement(Op op, std::string_view name, std::string_view doc) {
  return {.op = op,
          .name = name,
          .kind = OpKind::movement,
          .min_inputs = 1,
          .max_inputs = 1,
          .doc = doc,
          .gradient = gradient_reshape,
          .evaluate = evaluate_copy};
}

}  // namespace

OpInfo flatten() {
  OpInfo row = movement(Op::flatten, "flatten", "[N, ...] as [N, everything else]");
  row.infer = infer_flatten;
  return row;
}

OpInfo reshape() {
  OpInfo row = movement(Op::reshape, "reshape", "the elements in row-major order under another shape");
  row.attributes = {{"shape", AttributeKind::integers, {}}};
  row.infer = infer_reshape;
  return row;
}

OpInfo relayout() {
  OpInfo row = movement(Op::relayout, "relayout", "the same value, stored in the layout of the result");
  row.infer = infer_relayout;
  row.gradient = gradient_relayout;
  return row;
}

}  // namespace rnc::ops
