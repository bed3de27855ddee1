// Activations.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/operators.h"
#include "ir/ops/random.h"

namespace rnc::onnx {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <Op op>
Values of_one_value(Call& call) {
  return one(call.result(op, {call.value(0)}));
}

// An operation with one attribute, which ONNX calls otherwise.
ValueId with(Call& call, Op op, const char* name, double value) {
  return call.result(op, {call.value(0)}, attributes({{name, value}}));
}

Values leaky_relu(Call& call) { return one(with(call, Op::leaky_relu, "slope", call.real("alpha", 0.01))); }
Values elu(Call& call) { return one(with(call, Op::elu, "alpha", call.real("alpha", 1))); }
Values softplus(Call& call) { return one(with(call, Op::softplus, "threshold", 30)); }

Values prelu(Call& call) {
  const ValueId x = call.value(0), slope = call.weight(1, "weight", constant_initializer(0.25));
  return one(call.result(Op::prelu, spread(call, {x, slope})));
}

ValueId clipped(Call& call, ValueId x, double least, double most) {
  if (least == 0 && most == kInfinity) return call.result(Op::relu, {x});
  if (least == 0 && most == 6) return call.result(Op::relu6, {x});
  return call.result(Op::clip, {x}, attributes({{"min", least}, {"max", most}}));
}

// Bounds were attributes before opset 11. Those beyond f32 bound nothing.
Values clip(Call& call) {
  const auto bound = [&](size_t i, const char* name, double none) {
    const double value = call.has(i) ? call.scalar(i, name) : call.real(name, none);
    return std::abs(value) >= static_cast<double>(std::numeric_limits<float>::max())
               ? std::copysign(kInfinity, value)
               : value;
  };
  const double least = bound(1, "min", -kInfinity), most = bound(2, "max", kInfinity);
  const ValueId x = call.value(0);
  if (least == -kInfinity && most == kInfinity) return one(x);
  // Where they cross, all is the larger bound's value (ONNX: Clip).
  if (least > most) return one(clipped(call, x, most, most));
  return one(clipped(call, x, least, most));
}

// max(0, min(1, alpha x + beta))
Values hard_sigmoid(Call& call) {
  const double alpha = call.real("alpha", 0.2), beta = call.real("beta", 0.5);
  const ValueId x = call.value(0);
  if (beta == 0.5 && static_cast<float>(alpha) == 1.0F / 6) return one(call.result(Op::hardsigmoid, {x}));
  const ValueId scaled = call.emit(Op::mul, {x, call.number(alpha)});
  return one(clipped(call, call.emit(Op::add, {scaled, call.number(beta)}), 0, 1));
}

// gamma elu(x, alpha)
Values selu(Call& call) {
  const double alpha = call.real("alpha", 1.67326319217681884765625);
  const double gamma = call.real("gamma", 1.05070102214813232421875);
  const ValueId y = call.emit(Op::elu, {call.value(0)}, attributes({{"alpha", alpha}}));
  return one(call.result(Op::mul, {y, call.number(gamma)}));
}

// alpha elu(x / alpha, 1)
Values celu(Call& call) {
  const double alpha = call.real("alpha", 1);
  const ValueId inner = call.emit(Op::mul, {call.value(0), call.number(1 / alpha)});
  const ValueId y = call.emit(Op::elu, {inner}, attributes({{"alpha", 1.0}}));
  return one(call.result(Op::mul, {y, call.number(alpha)}));
}

Values softsign(Call& call) {
  const ValueId x = call.value(0);
  return one(call.result(Op::div, {x, call.emit(Op::add, {call.emit(Op::abs, {x}), call.number(1)})}));
}

Values thresholded_relu(Call& call) {
  const ValueId x = call.value(0);
  const ValueId passes = call.emit(Op::greater, {x, call.number(call.real("alpha", 1))});
  return one(call.result(Op::where, {passes, x, call.number(0)}));
}

// x + bias below -lambd, x - bias above lambd, else 0
Values shrink(Call& call) {
  const ValueId x = call.value(0);
  const double bias = call.real("bias", 0), edge = call.real("lambd", 0.5);
  const ValueId above = call.emit(Op::greater, {x, call.number(edge)});
  const ValueId below = call.emit(Op::less, {x, call.number(-edge)});
  const ValueId upper =
      call.emit(Op::where, {above, call.emit(Op::sub, {x, call.number(bias)}), call.number(0)});
  return one(call.result(Op::where, {below, call.emit(Op::add, {x, call.number(bias)}), upper}));
}

Values gelu(Call& call) {
  return one(call.result(Op::gelu, {call.value(0)},
                         attributes({{"approximate", call.string("approximate", "none")}})));
}

// In inference the operand itself. The share became an input with opset 12. The mask, a second result, is not read.
Values dropout(Call& call) {
  const double p = call.has(1) ? call.scalar(1, "ratio") : call.real("ratio", 0.5);
  const ValueId x = call.value(0);
  if (p == 0 || !has_batch(call.type(x).shape)) return one(x);  // it drops of samples
  return one(call.result(Op::dropout, {x}, attributes({{"p", p}, {"stream", stream_of(call.layer())}})));
}

}  // namespace

std::span<const Operator> activation_operators() {
  static constexpr Operator kRows[] = {
      {"Relu", of_one_value<Op::relu>},
      {"Sigmoid", of_one_value<Op::sigmoid>},
      {"Tanh", of_one_value<Op::tanh>},
      {"HardSwish", of_one_value<Op::hardswish>},
      {"Mish", of_one_value<Op::mish>},
      {"LeakyRelu", leaky_relu, nullptr, kEachElement},
      {"Elu", elu, nullptr, kEachElement},
      {"Selu", selu, nullptr, kEachElement},
      {"Celu", celu, nullptr, kEachElement},
      {"Softplus", softplus, nullptr, kEachElement},
      {"Softsign", softsign, nullptr, kEachElement},
      {"PRelu", prelu},
      {"Clip", clip, nullptr, kEachElement},
      {"HardSigmoid", hard_sigmoid, nullptr, kEachElement},
      {"Gelu", gelu, nullptr, kEachElement},
      {"ThresholdedRelu", thresholded_relu, nullptr, kEachElement},
      {"Shrink", shrink, nullptr, kEachElement},
      {"Dropout", dropout, nullptr, kEachElement},
  };
  return kRows;
}

}  // namespace rnc::onnx
