// Arithmetic of elements.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"

namespace rnc::onnx {
namespace {

using MaybeSize = std::optional<Size>;

// --- What is known while reading

MaybeSize difference(const Size& a, const Size& b) {
  const MaybeSize negative = product(b, {-1, 0});
  return negative ? sum(a, *negative) : MaybeSize{};
}
MaybeSize smaller(const Size& a, const Size& b) {
  return a.batches == b.batches ? MaybeSize(a.number < b.number ? a : b) : MaybeSize{};
}
MaybeSize larger(const Size& a, const Size& b) {
  return a.batches == b.batches ? MaybeSize(a.number < b.number ? b : a) : MaybeSize{};
}
// Of a negative dividend the remainder has the divisor's sign, as Python's.
MaybeSize remainder_of(const Size& a, const Size& b) {
  if (!a.fixed() || !b.fixed() || b.number == 0 || b.number == -1) return {};
  const int64_t rest = a.number % b.number;
  return Size{rest != 0 && (rest < 0) != (b.number < 0) ? rest + b.number : rest, 0};
}

// With fmod the remainder has the dividend's sign, as C's; real numbers have no other.
MaybeSize truncated_remainder(const Size& a, const Size& b) {
  if (!a.fixed() || !b.fixed() || b.number == 0 || b.number == -1) return {};
  return Size{a.number % b.number, 0};
}

template <MaybeSize (*whole)(const Size&, const Size&), auto real>
Folded fold_all(const Call& call) {
  Folded result = *call.constant(0);
  for (size_t i = 1; i < call.count() && result; ++i)
    result = fold_binary(*result, *call.constant(i), whole, real);
  if (result) result->tensor.clear();
  return result;
}
Folded fold_mod(const Call& call) {
  const auto real = [](double a, double b) { return std::fmod(a, b); };
  const bool truncates = call.integer("fmod", 0) != 0;
  return fold_binary(*call.constant(0), *call.constant(1), truncates ? truncated_remainder : remainder_of,
                     real);
}
// --- In the graph

// What is added to or multiplied with a layer's result is trained with it.
template <Op op>
Values trained(Call& call) {
  return elementwise(call, op, TensorKind::parameter);
}
template <Op op>
Values plain(Call& call) {
  return elementwise(call, op);
}
// Of any number of operands.
template <Op op>
ValueId chained(Call& call) {
  ValueId v = call.value(0);
  for (size_t i = 1; i < call.count(); ++i) v = call.emit(op, spread(call, {v, call.value(i)}));
  return v;
}
template <Op op>
Values several(Call& call) {
  return one(chained<op>(call));
}
Values mean(Call& call) {
  const ValueId share = call.number(1.0 / static_cast<double>(call.count()));
  return one(call.result(Op::mul, {chained<Op::add>(call), share}));
}
Values negative(Call& call) {
  const ValueId x = call.value(0), minus = call.number(-1);
  return one(call.result(Op::mul, {x, minus}));
}
Values reciprocal(Call& call) {
  const ValueId numerator = call.number(1), x = call.value(0);
  return one(call.result(Op::div, {numerator, x}));
}
double add(double a, double b) { return a + b; }
double subtract(double a, double b) { return a - b; }
double multiply(double a, double b) { return a * b; }
double divide(double a, double b) { return a / b; }
double least(double a, double b) { return std::min(a, b); }
double most(double a, double b) { return std::max(a, b); }
double negated(double a) { return -a; }
double inverse(double a) { return 1 / a; }
double squared_root(double a) { return std::sqrt(a); }
double floor(double a) { return std::floor(a); }
double ceil(double a) { return std::ceil(a); }
double round_even(double a) { return std::nearbyint(a); }
double magnitude(double a) { return std::abs(a); }

Values only_known(Call& call) { call.refuse("of what depends on the inputs of the model"); }

}  // namespace

std::span<const Operator> arithmetic_operators() {
  static constexpr Operator kRows[] = {
      {"Add", trained<Op::add>, fold_two<sum, add>},
      {"Sub", plain<Op::sub>, fold_two<difference, subtract>},
      {"Mul", trained<Op::mul>, fold_two<product, multiply>},
      {"Div", plain<Op::div>, fold_two<quotient, divide>},
      {"Mod", only_known, fold_mod},
      {"Min", several<Op::min>, fold_all<smaller, least>},
      {"Max", several<Op::max>, fold_all<larger, most>},
      {"Sum", several<Op::add>, fold_all<sum, add>},
      {"Mean", mean},
      {"Neg", negative, fold_one<negated>},
      {"Reciprocal", reciprocal, fold_one<inverse>},
      {"Abs", plain<Op::abs>, fold_one<magnitude>},
      {"Sign", plain<Op::sign>},
      {"Sqrt", plain<Op::sqrt>, fold_one<squared_root>},
      {"Exp", plain<Op::exp>},
      {"Log", plain<Op::log>},
      {"Erf", plain<Op::erf>},
      {"Floor", plain<Op::floor>, fold_one<floor>},
      {"Ceil", plain<Op::ceil>, fold_one<ceil>},
      {"Round", plain<Op::round>, fold_one<round_even>},
  };
  return kRows;
}

}  // namespace rnc::onnx
