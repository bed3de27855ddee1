// softmax and its logarithm along a dimension. Kernels are for rows [N, K]; pass decompose_softmax makes all others of
// maxima and sums, from their difference to the line's maximum, so that nothing overflows.
#include "ir/ops/softmax.h"

#include <algorithm>
#include <cmath>

#include "ir/graph/interpreter.h"
#include "ir/ops/axis.h"
#include "ir/ops/ops.h"

namespace rnc {

bool is_of_rows(const Node& softmax) {
  return softmax.op == Op::softmax && softmax.type.rank() == 2 && axis_of(softmax, 2) == 1;
}

namespace ops {
namespace {

Type infer_along(const Node& node, Types in) {
  checked_axis(node, in[0]);
  return like(in[0], in[0].shape);
}

Type infer_softmax_grad(const Node& node, Types in) {
  require_real(node, in[0], 2, "the gradient");
  require_type(node, in[1], in[0], "the result of softmax");
  return like(in[0], in[0].shape);
}

// Calls visit(elements) with the places of each line along the dimension.
template <class Visit>
void each_line(const Shape& shape, int64_t axis, const Visit& visit) {
  size_t inner = 1, outer = 1;
  const auto d = static_cast<size_t>(axis);
  for (size_t i = 0; i < shape.size(); ++i)
    (i < d ? outer : inner) *= i == d ? 1 : static_cast<size_t>(shape[i]);
  std::vector<size_t> line(static_cast<size_t>(shape[d]));
  for (size_t o = 0; o < outer; ++o)
    for (size_t i = 0; i < inner; ++i) {
      for (size_t k = 0; k < line.size(); ++k) line[k] = (o * line.size() + k) * inner + i;
      visit(line);
    }
}

// log(sum(exp(x))) along a line.
double log_sum_exp(const EvalContext& context, const std::vector<double>& x,
                   const std::vector<size_t>& line) {
  double shift = x[line[0]], sum = 0;
  for (const size_t k : line) shift = std::max(shift, x[k]);
  for (const size_t k : line) context.accumulate(sum, std::exp(x[k] - shift));
  return shift + std::log(sum);
}

template <bool exponential>
void evaluate_along(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  each_line(x.shape, axis_of(context.node, context.node.type.rank()), [&](const std::vector<size_t>& line) {
    const double total = log_sum_exp(context, x.values, line);
    for (const size_t k : line) {
      const double logarithm = x.values[k] - total;
      context.result.values[k] = exponential ? std::exp(logarithm) : logarithm;
    }
  });
}

void evaluate_softmax_grad(EvalContext& context) {
  const TensorData& dy = *context.inputs[0];
  const TensorData& y = *context.inputs[1];
  each_line(y.shape, 1, [&](const std::vector<size_t>& line) {
    double along = 0;
    for (const size_t k : line) context.accumulate(along, dy.values[k] * y.values[k]);
    for (const size_t k : line) context.result.values[k] = y.values[k] * (dy.values[k] - along);
  });
}

ValueId along(GraphBuilder& b, Op op, ValueId x, int64_t axis) {
  Attributes attributes;
  attributes.set("axes", std::vector<int64_t>{axis});
  attributes.set("keepdims", true);
  return b.emit(op, {x}, std::move(attributes));
}

int64_t axis_of(GraphBuilder& b, ValueId v) { return rnc::axis_of(b[v], b[v].type.rank()); }

// y (dy - sum(y dy))
std::vector<ValueId> gradient_softmax(GraphBuilder& b, ValueId y, ValueId dy) {
  if (is_of_rows(b[y])) return {b.emit(Op::softmax_grad, {dy, y})};
  const ValueId sum = along(b, Op::sum, b.emit(Op::mul, {y, dy}), axis_of(b, y));
  return {b.emit(Op::mul, {y, b.emit(Op::sub, {dy, sum})})};
}

// dy - exp(y) sum(dy)
std::vector<ValueId> gradient_log_softmax(GraphBuilder& b, ValueId y, ValueId dy) {
  const ValueId sum = along(b, Op::sum, dy, axis_of(b, y));
  return {b.emit(Op::sub, {dy, b.emit(Op::mul, {b.emit(Op::exp, {y}), sum})})};
}

OpInfo along_axis(Op op, std::string_view name, std::string_view doc) {
  return {.op = op,
          .name = name,
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .attributes = {{"axis", AttributeKind::integer, int64_t{1}}},
          .doc = doc,
          .infer = infer_along};
}

}  // namespace

ValueId emit_softmax(GraphBuilder& b, const Node& node, ValueId x) {
  const int64_t axis = rnc::axis_of(node, node.type.rank());
  const ValueId shifted = b.emit(Op::sub, {x, along(b, Op::amax, x, axis)});
  const ValueId exponential = b.emit(Op::exp, {shifted}), sum = along(b, Op::sum, exponential, axis);
  if (node.op == Op::softmax) return b.emit(Op::div, {exponential, sum}, {}, node.name);
  return b.emit(Op::sub, {shifted, b.emit(Op::log, {sum})}, {}, node.name);
}

OpInfo softmax() {
  OpInfo row = along_axis(Op::softmax, "softmax", "exp(x) / sum(exp(x)) along a dimension");
  row.gradient = gradient_softmax;
  row.evaluate = evaluate_along<true>;
  return row;
}

OpInfo log_softmax() {
  OpInfo row = along_axis(Op::log_softmax, "log_softmax", "x - log(sum(exp(x))) along a dimension");
  row.gradient = gradient_log_softmax;
  row.evaluate = evaluate_along<false>;
  return row;
}

OpInfo softmax_grad() {
  return {.op = Op::softmax_grad,
          .name = "softmax_grad",
          .kind = OpKind::other,
          .min_inputs = 2,
          .max_inputs = 2,
          .doc = "gradient of softmax of rows, from dy and its result y",
          .infer = infer_softmax_grad,
          .evaluate = evaluate_softmax_grad};
}

}  // namespace ops
}  // namespace rnc
