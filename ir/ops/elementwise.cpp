// Operations on each element by itself.
//
// The operands of add, sub, mul and div have equal shapes, or one is a scalar, or one is rank 1 of size C and
// the other of rank >= 2 with C channels (dimension 1); the result has the larger shape. NaN follows IEEE
// arithmetic; relu keeps NaN.
#include <fmt/format.h>

#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

// Whether an operand of shape `small` spreads over a result of shape `large`.
bool spreads_over(const Shape& small, const Shape& large) {
  if (small == large || small.empty()) return true;
  return small.size() == 1 && large.size() >= 2 && small[0] == large[1] && small[0] != kBatch;
}

Type infer_binary(const Node& node, Types in) {
  require_rank_at_least(node, in[0], 0, "the left operand");
  require_rank_at_least(node, in[1], 0, "the right operand");
  if (spreads_over(in[1].shape, in[0].shape)) return f32(in[0].shape);
  if (spreads_over(in[0].shape, in[1].shape)) return f32(in[1].shape);
  fail(node, fmt::format("the shapes of {} and {} do not match", str(in[0]), str(in[1])));
}

Type infer_unary(const Node& node, Types in) {
  require_rank_at_least(node, in[0], 0, "the operand");
  return f32(in[0].shape);
}

Type infer_relu_grad(const Node& node, Types in) {
  require_rank_at_least(node, in[0], 0, "the gradient");
  require_shape(node, in[1], in[0].shape, "the result of relu");
  return f32(in[0].shape);
}

Type infer_bias_correction(const Node& node, Types in) {
  require_shape(node, in[0], {}, "beta");
  require_shape(node, in[1], {}, "step");
  return f32({});
}

OpInfo elementwise(Op op, std::string_view name, int inputs, std::string_view doc) {
  return {.op = op,
          .name = name,
          .kind = OpKind::elementwise,
          .min_inputs = inputs,
          .max_inputs = inputs,
          .doc = doc,
          .infer = inputs == 2 ? infer_binary : infer_unary};
}

}  // namespace

OpInfo add() { return elementwise(Op::add, "add", 2, "a + b"); }
OpInfo sub() { return elementwise(Op::sub, "sub", 2, "a - b"); }
OpInfo mul() { return elementwise(Op::mul, "mul", 2, "a * b"); }
OpInfo div() { return elementwise(Op::div, "div", 2, "a / b"); }
OpInfo sqrt() { return elementwise(Op::sqrt, "sqrt", 1, "the square root"); }
OpInfo rsqrt() { return elementwise(Op::rsqrt, "rsqrt", 1, "1 / sqrt(a)"); }
OpInfo relu() { return elementwise(Op::relu, "relu", 1, "max(a, 0); NaN stays NaN"); }

OpInfo relu_grad() {
  OpInfo row = elementwise(Op::relu_grad, "relu_grad", 2, "dy where y > 0, else 0");
  row.infer = infer_relu_grad;
  return row;
}

OpInfo bias_correction() {
  OpInfo row = elementwise(Op::bias_correction, "bias_correction", 2, "1 - beta^step, of scalars");
  row.infer = infer_bias_correction;
  return row;
}

}  // namespace rnc::ops
