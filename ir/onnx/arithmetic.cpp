// Arithmetic and comparisons of elements. Comparisons give 1 and 0.
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

MaybeSize truth(bool value) { return Size{value ? 1 : 0, 0}; }
MaybeSize difference(const Size& a, const Size& b) {
  const MaybeSize negative = product(b, {-1, 0});
  return negative ? sum(a, *negative) : MaybeSize{};
}
// Of sizes that depend on the batch nothing is known but that they are the same.
template <class Compare>
MaybeSize compared(const Size& a, const Size& b, const Compare& compare) {
  if (a == b) return truth(compare(0, 0));
  return a.batches == b.batches ? truth(compare(a.number, b.number)) : MaybeSize{};
}
// A batch has samples: what grows with it is not 0 or -1, which stand for other things in shapes.
bool differ_surely(const Size& a, const Size& b) {
  return a.batches > 0 && a.number >= 0 && b.fixed() && b.number <= 0;
}
MaybeSize is_equal(const Size& a, const Size& b) {
  if (differ_surely(a, b) || differ_surely(b, a)) return truth(false);
  return compared(a, b, std::equal_to<>());
}
MaybeSize is_less(const Size& a, const Size& b) { return compared(a, b, std::less<>()); }
MaybeSize is_less_equal(const Size& a, const Size& b) { return compared(a, b, std::less_equal<>()); }
MaybeSize smaller(const Size& a, const Size& b) {
  return a.batches == b.batches ? MaybeSize(a.number < b.number ? a : b) : MaybeSize{};
}
MaybeSize larger(const Size& a, const Size& b) {
  return a.batches == b.batches ? MaybeSize(a.number < b.number ? b : a) : MaybeSize{};
}
MaybeSize both(const Size& a, const Size& b) { return truth(a != Size{} && b != Size{}); }
MaybeSize either(const Size& a, const Size& b) { return truth(a != Size{} || b != Size{}); }
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
Folded fold_two(const Call& call) {
  return fold_binary(*call.constant(0), *call.constant(1), whole, real);
}
template <MaybeSize (*whole)(const Size&, const Size&), auto real>
Folded fold_all(const Call& call) {
  Folded result = *call.constant(0);
  for (size_t i = 1; i < call.count() && result; ++i)
    result = fold_binary(*result, *call.constant(i), whole, real);
  if (result) result->tensor.clear();
  return result;
}
template <auto real>
Folded fold_one(const Call& call) {
  return fold_unary(*call.constant(0), real);
}
// Comparisons of real numbers are whole numbers.
template <MaybeSize (*whole)(const Size&, const Size&), auto real>
Folded fold_comparison(const Call& call) {
  Folded result = fold_two<whole, real>(call);
  if (!result || !result->is_real) return result;
  Sizes values;
  for (const float value : *result->reals) values.push_back({static_cast<int64_t>(value), 0});
  return whole_numbers(result->shape, std::move(values));
}
Folded fold_mod(const Call& call) {
  const auto real = [](double a, double b) { return std::fmod(a, b); };
  const bool truncates = call.integer("fmod", 0) != 0;
  return fold_binary(*call.constant(0), *call.constant(1), truncates ? truncated_remainder : remainder_of,
                     real);
}
Folded fold_pow(const Call& call) {
  return fold_binary(
      *call.constant(0), *call.constant(1),
      [](const Size& a, const Size& b) -> MaybeSize {
        const double value = std::pow(static_cast<double>(a.number), static_cast<double>(b.number));
        if (!a.fixed() || !b.fixed() || !(std::abs(value) < 0x1p53)) return {};
        return Size{static_cast<int64_t>(value), 0};
      },
      [](double a, double b) { return std::pow(a, b); });
}
Folded fold_where(const Call& call) {
  const auto first = spread_of(call.constant(0)->shape, call.constant(1)->shape);
  const auto shape = first ? spread_of(*first, call.constant(2)->shape) : first;
  const Constant &condition = *call.constant(0), &yes = *call.constant(1), &no = *call.constant(2);
  if (!shape || yes.is_real != no.is_real || condition.is_real) return {};
  const auto which = spread_places(condition.shape, *shape);
  const Constant a = picked(yes, spread_places(yes.shape, *shape), *shape);
  const Constant b = picked(no, spread_places(no.shape, *shape), *shape);
  Sizes whole;
  std::vector<float> values;
  for (size_t i = 0; i < which.size(); ++i) {
    const Constant& chosen = condition.whole[static_cast<size_t>(which[i])] != Size{} ? a : b;
    if (a.is_real) values.push_back((*chosen.reals)[i]);
    if (!a.is_real) whole.push_back(chosen.whole[i]);
  }
  return a.is_real ? reals(*shape, std::move(values)) : whole_numbers(*shape, std::move(whole));
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
// a ^ b; where b is not one number, exp(b log(a)), which only holds for a that is not negative.
Values power(Call& call) {
  const Constant* exponent = call.constant(1);
  if (exponent == nullptr || exponent->elements() != 1) call.refuse("an exponent that is not one number");
  const double p = exponent->real(0);
  const ValueId x = call.value(0);
  if (p == 2) return one(call.result(Op::square, {x}));
  return one(call.result(Op::pow, {x}, attributes({{"exponent", p}})));
}
Values logical_not(Call& call) {
  const ValueId x = call.value(0), zero = call.number(0);
  return one(call.result(Op::equal, {x, zero}));
}
Values is_nan(Call& call) {
  const ValueId x = call.value(0);
  return one(call.result(Op::not_equal, {x, x}));
}

double add(double a, double b) { return a + b; }
double subtract(double a, double b) { return a - b; }
double multiply(double a, double b) { return a * b; }
double divide(double a, double b) { return a / b; }
double least(double a, double b) { return std::min(a, b); }
double most(double a, double b) { return std::max(a, b); }
double less(double a, double b) { return a < b ? 1 : 0; }
double less_equal(double a, double b) { return a <= b ? 1 : 0; }
double equal(double a, double b) { return a == b ? 1 : 0; }
double nonzero_both(double a, double b) { return a != 0 && b != 0 ? 1 : 0; }
double nonzero_either(double a, double b) { return a != 0 || b != 0 ? 1 : 0; }
double negated(double a) { return -a; }
double inverse(double a) { return 1 / a; }
double inverted(double a) { return a == 0 ? 1 : 0; }
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
      {"Pow", power, fold_pow},
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
      {"Floor", only_known, fold_one<floor>},
      {"Ceil", only_known, fold_one<ceil>},
      {"Round", only_known, fold_one<round_even>},
      {"Equal", plain<Op::equal>, fold_comparison<is_equal, equal>},
      {"Less", plain<Op::less>, fold_comparison<is_less, less>},
      {"LessOrEqual", plain<Op::less_equal>, fold_comparison<is_less_equal, less_equal>},
      {"Greater", plain<Op::greater>,
       [](const Call& call) { return fold_binary(*call.constant(1), *call.constant(0), is_less, less); }},
      {"GreaterOrEqual", plain<Op::greater_equal>,
       [](const Call& call) {
         return fold_binary(*call.constant(1), *call.constant(0), is_less_equal, less_equal);
       }},
      {"And", plain<Op::mul>, fold_two<both, nonzero_both>},
      {"Or", plain<Op::max>, fold_two<either, nonzero_either>},
      {"Xor", plain<Op::not_equal>},
      {"Not", logical_not, fold_one<inverted>},
      {"IsNaN", is_nan},
      {"Where", plain<Op::where>, fold_where},
  };
  return kRows;
}

}  // namespace rnc::onnx
