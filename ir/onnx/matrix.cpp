// Matrix products.
#include <fmt/format.h>

#include <algorithm>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/operators.h"

namespace rnc::onnx {
namespace {

ValueId transposed(Call& call, ValueId matrix) { return call.permuted(matrix, {1, 0}); }

// The weight of a linear layer with x for its input; `outputs`: the dimension of the weight that they are. Initialisers
// take the other for the inputs where it is the second.
ValueId weight_of(Call& call, size_t outputs) {
  const Sizes shape = call.shape(1);
  const int64_t count = shape.size() == 2 ? shape[outputs].number : 1;
  Initializer initializer =
      layer_initializer(Op::linear, "weight", call.type(call.value(0)), count, attributes({{"bias", true}}));
  if (shape.size() == 2 && outputs == 1)
    initializer.attributes.set("fan_in", static_cast<double>(shape[0].number));
  return call.weight(1, "weight", std::move(initializer));
}

ValueId bias_of(Call& call) {
  return call.weight(
      2, "bias",
      layer_initializer(Op::linear, "bias", call.type(call.value(0)), 1, attributes({{"bias", true}})));
}

ValueId scaled(Call& call, ValueId v, double factor) {
  return factor == 1 ? v : call.emit(Op::mul, {v, call.number(factor)});
}

// alpha A B + beta C. With a vector for C it is a linear layer, whose weight lies transposed.
Values gemm(Call& call) {
  const bool transposes_a = call.integer("transA", 0) != 0, transposes_b = call.integer("transB", 0) != 0;
  const ValueId a = call.value(0), b = weight_of(call, transposes_b ? 0 : 1);
  if (call.type(a).rank() != 2 || call.type(b).rank() != 2) call.refuse("operands that are no matrices");
  const double alpha = call.real("alpha", 1), beta = call.real("beta", 1);
  const bool is_layer = !transposes_a && alpha == 1 && !has_batch(call.type(b).shape);
  if (!is_layer) {
    ValueId y = call.emit(Op::matmul, {a, b},
                          attributes({{"transpose_a", transposes_a}, {"transpose_b", transposes_b}}));
    y = scaled(call, y, alpha);
    if (!call.has(2)) return one(y);
    return one(call.result(Op::add, spread(call, {y, scaled(call, bias_of(call), beta)})));
  }
  const ValueId weight = transposes_b ? b : transposed(call, b);
  if (!call.has(2)) return one(call.result(Op::linear, {a, weight}));
  const ValueId bias = scaled(call, bias_of(call), beta);
  if (call.type(bias).shape == Shape{call.type(weight).shape[0]})
    return one(call.result(Op::linear, {a, weight, bias}));
  const ValueId y = call.emit(Op::linear, {a, weight});
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
  const ValueId a = call.value(0), b = weight_of(call, 1);
  const size_t left = call.type(a).shape.size(), right = call.type(b).shape.size();
  if (left < 2 || right < 2) call.refuse("an operand that is a vector");
  if (right == 2 && !has_batch(call.type(b).shape))
    return one(call.result(Op::linear, {a, transposed(call, b)}));
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
