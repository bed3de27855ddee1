// Normalisations.
#include <fmt/format.h>

#include <numeric>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/operators.h"

namespace rnc::onnx {
namespace {

// The running mean and variance are buffers, which training goes on with.
ValueId statistics(Call& call, size_t i, std::string_view part, double value) {
  const Constant* given = call.constant(i);
  if (given == nullptr || !given->is_real) call.refuse(fmt::format("its {} must be an initializer", part));
  return call.context().statistics(*given, call.layer(), part, constant_initializer(value));
}

// In inference as in training; how much of the statistics stays in a step is 1 - momentum for ONNX.
Values batch_norm(Call& call) {
  if (call.integer("spatial", 1) == 0) call.refuse("statistics of each place by itself (spatial = 0)");
  const ValueId x = call.value(0), weight = call.weight(1, "weight", constant_initializer(1)),
                bias = call.weight(2, "bias", constant_initializer(0));
  const ValueId mean = statistics(call, 3, "running_mean", 0),
                variance = statistics(call, 4, "running_var", 1);
  const double momentum = shortest(static_cast<float>(1 - call.real("momentum", 0.9)));
  return one(call.result(Op::batch_norm, {x, weight, bias, mean, variance},
                         attributes({{"eps", call.real("epsilon", 1e-5)}, {"momentum", momentum}})));
}

std::vector<int64_t> axes_from(int64_t first, int rank) {
  std::vector<int64_t> axes(static_cast<size_t>(std::max<int64_t>(0, rank - first)));
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

struct Normed {
  ValueId value, mean, rstd;
};

// (x - mean) / sqrt(variance + eps) along the dimensions.
Normed normed(Call& call, ValueId x, const std::vector<int64_t>& axes, double eps) {
  const ValueId mean = call.reduced(Op::mean, x, axes), centred = call.emit(Op::sub, {x, mean});
  const ValueId variance = call.reduced(Op::mean, call.emit(Op::square, {centred}), axes);
  const ValueId rstd = call.emit(Op::rsqrt, {call.emit(Op::add, {variance, call.number(eps)})});
  return {call.emit(Op::mul, {centred, rstd}), mean, rstd};
}

// Times the weight, plus the bias, if they are given as operands 1 and 2.
ValueId affine(Call& call, ValueId x) {
  if (call.has(1))
    x = call.emit(Op::mul, spread(call, {x, call.weight(1, "weight", constant_initializer(1))}));
  if (!call.has(2)) return x;
  return call.result(Op::add, spread(call, {x, call.weight(2, "bias", constant_initializer(0))}));
}

Values layer_norm(Call& call) {
  const ValueId x = call.value(0);
  const int rank = call.type(x).rank();
  const int64_t axis = call.axis(call.integer("axis", -1), rank);
  const Normed y = normed(call, x, axes_from(axis, rank), call.real("epsilon", 1e-5));
  return {Value{.node = affine(call, y.value)}, Value{.node = y.mean}, Value{.node = y.rstd}};
}

// A vector of the channels beside x, whose other dimensions it spreads over.
ValueId per_channel(Call& call, ValueId vector, ValueId x) {
  const Shape shape = call.type(vector).shape;
  if (shape.size() != 1) call.refuse(fmt::format("{} is no vector of the channels", rnc::str(shape)));
  if (call.type(x).rank() == 2) return vector;
  Sizes sizes(call.type(x).shape.size(), Size{1, 0});
  sizes[1].number = shape[0];
  return call.reshaped(vector, sizes);
}

Values affine_per_channel(Call& call, ValueId x) {
  const ValueId weight = per_channel(call, call.weight(1, "weight", constant_initializer(1)), x);
  const ValueId bias = per_channel(call, call.weight(2, "bias", constant_initializer(0)), x);
  const ValueId scaled = call.emit(Op::mul, spread(call, {x, weight}));
  return one(call.result(Op::add, spread(call, {scaled, bias})));
}

Values instance_norm(Call& call) {
  const ValueId x = call.value(0);
  const ValueId y = normed(call, x, axes_from(2, call.type(x).rank()), call.real("epsilon", 1e-5)).value;
  return affine_per_channel(call, y);
}

// Opset 18 has a weight and bias for each group, 21 for each channel.
Values group_norm(Call& call) {
  const ValueId x = call.value(0);
  const Shape shape = call.type(x).shape;
  const int64_t groups = call.integer("num_groups", 0);
  if (shape.size() < 3 || groups < 1 || shape[1] % groups != 0)
    call.refuse(fmt::format("{} groups of {}", groups, rnc::str(shape)));
  const Shape rows(shape.begin() + 1, shape.end());
  const ValueId parts =
      call.reshaped(x, {size_of(shape[0]), Size{groups, 0}, Size{elements_per_sample(rows) / groups, 0}});
  ValueId y = normed(call, parts, {2}, call.real("epsilon", 1e-5)).value;
  if (call.opset() >= 21) return affine_per_channel(call, call.reshaped(y, sizes_of(shape)));
  const ValueId weight = per_channel(call, call.weight(1, "weight", constant_initializer(1)), y);
  const ValueId bias = per_channel(call, call.weight(2, "bias", constant_initializer(0)), y);
  y = call.emit(Op::mul, spread(call, {y, weight}));
  y = call.result(Op::add, spread(call, {y, bias}));
  return one(call.reshaped(y, sizes_of(shape)));
}

// x / (bias + alpha mean over `size` channels of x^2)^beta
Values local_response_norm(Call& call) {
  const ValueId x = call.value(0);
  const Shape shape = call.type(x).shape;
  const int64_t size = call.integer("size", 1);
  if (shape.size() != 4 || size < 1 || size > shape[1] * 2)
    call.refuse(fmt::format("over {} channels of {}", size, rnc::str(shape)));
  const Sizes channels_as_rows = {size_of(shape[0]), Size{1, 0}, Size{shape[1], 0},
                                  Size{shape[2] * shape[3], 0}};
  const ValueId squares = call.reshaped(call.emit(Op::square, {x}), channels_as_rows);
  const ValueId mean = call.emit(Op::avg_pool, {squares},
                                 attributes({{"kernel", std::vector<int64_t>{size, 1}},
                                             {"stride", std::vector<int64_t>{1, 1}},
                                             {"pad", std::vector<int64_t>{(size - 1) / 2, 0, size / 2, 0}}}));
  const ValueId scaled =
      call.emit(Op::mul, {call.reshaped(mean, sizes_of(shape)), call.number(call.real("alpha", 1e-4))});
  const ValueId sum = call.emit(Op::add, {scaled, call.number(call.real("bias", 1))});
  const ValueId divisor = call.emit(Op::pow, {sum}, attributes({{"exponent", call.real("beta", 0.75)}}));
  return one(call.result(Op::div, {x, divisor}));
}

// x / norm along an axis
Values lp_norm(Call& call) {
  const ValueId x = call.value(0);
  const std::vector<int64_t> axes = {call.axis(call.integer("axis", -1), call.type(x).rank())};
  const int64_t p = call.integer("p", 2);
  const ValueId powers = call.emit(p == 1 ? Op::abs : Op::square, {x});
  const ValueId sum = call.reduced(Op::sum, powers, axes);
  return one(call.result(Op::div, {x, p == 1 ? sum : call.emit(Op::sqrt, {sum})}));
}

Values mean_variance_norm(Call& call) {
  return one(normed(call, call.value(0), call.integers("axes", {0, 2, 3}), 1e-9).value);
}

}  // namespace

std::span<const Operator> norm_operators() {
  static constexpr Operator kRows[] = {
      {"BatchNormalization", batch_norm},
      {"LayerNormalization", layer_norm},
      {"InstanceNormalization", instance_norm},
      {"GroupNormalization", group_norm},
      {"LRN", local_response_norm},
      {"LpNormalization", lp_norm},
      {"MeanVarianceNormalization", mean_variance_norm},
  };
  return kRows;
}

}  // namespace rnc::onnx
