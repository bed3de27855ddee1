// Powers of elements.
#include <cmath>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/view.h"

namespace rnc::onnx {
namespace {

Folded fold_pow(const Call& call) {
  return fold_binary(
      *call.constant(0), *call.constant(1),
      [](const Size& a, const Size& b) -> std::optional<Size> {
        const double value = std::pow(static_cast<double>(a.number), static_cast<double>(b.number));
        if (!a.fixed() || !b.fixed() || !(std::abs(value) < 0x1p53)) return {};
        return Size{static_cast<int64_t>(value), 0};
      },
      [](double a, double b) { return std::pow(a, b); });
}
// Of exponents e that differ: |x|^e = exp(e log |x|), with the sign that a whole e gives to negative x; 1 where e is 0.
Values power_of_each(Call& call, const Constant& exponent) {
  std::vector<float> signs, wholes, zeros;
  for (int64_t i = 0; i < exponent.elements(); ++i) {
    const double e = exponent.real(i);
    const bool is_whole = e == std::floor(e);
    signs.push_back(is_whole && std::fmod(e, 2) != 0 ? -1.0F : 1.0F);
    wholes.push_back(is_whole ? 1.0F : 0.0F);
    zeros.push_back(e == 0 ? 1.0F : 0.0F);
  }
  const auto numbers = [&](std::vector<float> values) {
    return call.context().numbers(reals(exponent.shape, std::move(values)));
  };
  const std::vector<ValueId> operands =
      spread(call, {call.value(0), call.context().numbers(exponent), numbers(std::move(signs)),
                    numbers(std::move(wholes)), numbers(std::move(zeros))});
  const ValueId x = operands[0], zero = call.number(0), unit = call.number(1);
  const ValueId base = call.emit(Op::where, {operands[3], call.emit(Op::abs, {x}), x});
  const ValueId size = call.emit(Op::exp, {call.emit(Op::mul, {operands[1], call.emit(Op::log, {base})})});
  const ValueId sign = call.emit(Op::where, {call.emit(Op::less, {x, zero}), operands[2], unit});
  return one(call.result(Op::where, {operands[4], unit, call.emit(Op::mul, {size, sign})}));
}

Values power(Call& call) {
  const Constant* exponent = call.constant(1);
  if (exponent == nullptr) call.refuse("an exponent that depends on the inputs of the model");
  if (exponent->elements() != 1) return power_of_each(call, *exponent);
  const double p = exponent->real(0);
  const View x = view_of(call, 0);
  const ValueId y = p == 2 ? call.result(Op::square, {x.node})
                           : call.result(Op::pow, {x.node}, attributes({{"exponent", p}}));
  return {settled(call, {y, x.groups})};
}
}  // namespace

std::span<const Operator> power_operators() {
  static constexpr Operator kRows[] = {{"Pow", power, fold_pow}};
  return kRows;
}

}  // namespace rnc::onnx
