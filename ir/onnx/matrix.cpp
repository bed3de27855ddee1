// Matrix products.
#include <fmt/format.h>

#include <algorithm>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/view.h"

namespace rnc::onnx {
namespace {

ValueId transposed(Call& call, ValueId matrix) { return call.permuted(matrix, {1, 0}); }

// The weight of a linear layer with x for its input; `outputs`: the dimension of the weight that they are. Initialisers
// take the other for the inputs where it is the second.
ValueId weight_of(Call& call, const Type& x, size_t outputs) {
  const Sizes shape = call.shape(1);
  const int64_t count = shape.size() == 2 ? shape[outputs].number : 1;
  Initializer initializer = layer_initializer(Op::linear, "weight", x, count, attributes({{"bias", true}}));
  if (shape.size() == 2 && outputs == 1)
    initializer.attributes.set("fan_in", static_cast<double>(shape[0].number));
  return call.weight(1, "weight", std::move(initializer));
}

ValueId bias_of(Call& call, const Type& x) {
  return call.weight(2, "bias", layer_initializer(Op::linear, "bias", x, 1, attributes({{"bias", true}})));
}

ValueId scaled(Call& call, ValueId v, double factor) {
  return factor == 1 ? v : call.emit(Op::mul, {v, call.number(factor)});
}

// A linear layer, along the last dimension of x. The weight is [outputs, inputs], and there may be no bias.
Value linear(Call& call, const View& x, ValueId weight, ValueId bias) {
  std::vector<ValueId> operands = {x.node, weight};
  if (bias != kNoValue) operands.push_back(bias);
  return settled(call, {call.result(Op::linear, std::move(operands)), x.groups});
}

// alpha A B + beta C. With a vector for C it is a linear layer, whose weight lies transposed.
Values gemm(Call& call) {
  if (call.shape(0).size() != 2 || call.shape(1).size() != 2) call.refuse("operands that are no matrices");
  const bool transposes_a = call.integer("transA", 0) != 0, transposes_b = call.integer("transB", 0) != 0;
  const double alpha = call.real("alpha", 1), beta = call.real("beta", 1);
  const bool is_layer = !transposes_a && alpha == 1 && !call.is_moved(1) && call.shape(1)[0].fixed();
  if (!is_layer) {
    const ValueId a = call.value(0), b = weight_of(call, call.type(a), transposes_b ? 0 : 1);
    ValueId y = call.emit(Op::matmul, {a, b},
                          attributes({{"transpose_a", transposes_a}, {"transpose_b", transposes_b}}));
    y = scaled(call, y, alpha);
    if (!call.has(2)) return one(y);
    return one(call.result(Op::add, spread(call, {y, scaled(call, bias_of(call, call.type(a)), beta)})));
  }
  const View x = with_last_axis(call, view_of(call, 0));
  const ValueId b = weight_of(call, call.type(x.node), transposes_b ? 0 : 1);
  const ValueId weight = transposes_b ? b : transposed(call, b);
  if (!call.has(2)) return {linear(call, x, weight, kNoValue)};
  const ValueId bias = scaled(call, bias_of(call, call.type(x.node)), beta);
  if (call.type(bias).shape == Shape{call.type(weight).shape[0]}) return {linear(call, x, weight, bias)};
  if (call.is_moved(0)) call.refuse("a bias that is no vector of the outputs");
  const ValueId y = call.emit(Op::linear, {x.node, weight});
  return one(call.result(Op::add, spread(call, {y, bias})));
}

// With ones in front of its dimensions, and repeated where it has one matrix for many of the other operand.
ValueId repeated_over(Call& call, ValueId v, const Shape& other) {
  Sizes sizes = sizes_of(call.type(v).shape);
  if (sizes.size() < other.size()) sizes.insert(sizes.begin(), other.size() - sizes.size(), Size{1, 0});
  v = call.reshaped(v, sizes);
  Shape ones(sizes.size(), 1);
  for (size_t behind = 3; behind <= std::min(ones.size(), other.size()); ++behind)
    if (sizes[sizes.size() - behind] == Size{1, 0}) ones[ones.size() - behind] = other[other.size() - behind];
  if (has_batch(ones)) {
    v = call.emit(Op::mul, {v, call.context().ones_of_batch(static_cast<int>(ones.size()))});
    ones[0] = 1;
  }
  if (std::ranges::count(ones, 1) == static_cast<std::ptrdiff_t>(ones.size())) return v;
  return call.emit(Op::mul, {v, call.context().numbers(reals(ones, {1}))});
}

Values matmul(Call& call) {
  const Sizes left = call.shape(0), right = call.shape(1);
  if (left.size() < 2 || right.size() < 2) call.refuse("an operand that is a vector");
  if (right.size() == 2 && !call.is_moved(1) && right[0].fixed()) {
    const View x = with_last_axis(call, view_of(call, 0));
    const ValueId weight = weight_of(call, call.type(x.node), 1);
    return {linear(call, x, transposed(call, weight), kNoValue)};
  }
  if (call.is_moved(0) || call.is_moved(1))
    return {settled(call, matrix_product(call, view_of(call, 0), view_of(call, 1)))};
  const ValueId a = call.value(0), b = weight_of(call, call.type(a), 1);
  const Shape x = call.type(a).shape, y = call.type(b).shape;
  const ValueId x_all = repeated_over(call, a, y), y_all = repeated_over(call, b, x);
  return one(call.result(Op::matmul, {x_all, y_all}));
}

}  // namespace

std::span<const Operator> matrix_operators() {
  static constexpr Operator kRows[] = {{"Gemm", gemm}, {"MatMul", matmul}};
  return kRows;
}

}  // namespace rnc::onnx
