// Comparisons and logic of elements, which give 1 and 0.
#include <fmt/format.h>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"

namespace rnc::onnx {
namespace {

using MaybeSize = std::optional<Size>;

// --- What is known while reading

MaybeSize truth(bool value) { return Size{value ? 1 : 0, 0}; }
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
MaybeSize both(const Size& a, const Size& b) { return truth(a != Size{} && b != Size{}); }
MaybeSize either(const Size& a, const Size& b) { return truth(a != Size{} || b != Size{}); }

double less(double a, double b) { return a < b ? 1 : 0; }
double less_equal(double a, double b) { return a <= b ? 1 : 0; }
double equal(double a, double b) { return a == b ? 1 : 0; }
double nonzero_both(double a, double b) { return a != 0 && b != 0 ? 1 : 0; }
double nonzero_either(double a, double b) { return a != 0 || b != 0 ? 1 : 0; }
double inverted(double a) { return a == 0 ? 1 : 0; }

// Comparisons of real numbers are whole numbers, too. `left` and `right`: the places of the operands.
template <MaybeSize (*whole)(const Size&, const Size&), auto real, size_t left = 0, size_t right = 1>
Folded fold_comparison(const Call& call) {
  Folded result = fold_binary(*call.constant(left), *call.constant(right), whole, real);
  if (!result || !result->is_real) return result;
  Sizes values;
  for (const float value : *result->reals) values.push_back({static_cast<int64_t>(value), 0});
  return whole_numbers(result->shape, std::move(values));
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

template <Op op>
Values comparison(Call& call) {
  return elementwise(call, op);
}
Values logical_not(Call& call) {
  const ValueId x = call.value(0), zero = call.number(0);
  return one(call.result(Op::equal, {x, zero}));
}
Values is_nan(Call& call) {
  const ValueId x = call.value(0);
  return one(call.result(Op::not_equal, {x, x}));
}

}  // namespace

std::span<const Operator> comparison_operators() {
  static constexpr Operator kRows[] = {
      {"Equal", comparison<Op::equal>, fold_comparison<is_equal, equal>},
      {"Less", comparison<Op::less>, fold_comparison<is_less, less>},
      {"LessOrEqual", comparison<Op::less_equal>, fold_comparison<is_less_equal, less_equal>},
      {"Greater", comparison<Op::greater>, fold_comparison<is_less, less, 1, 0>},
      {"GreaterOrEqual", comparison<Op::greater_equal>, fold_comparison<is_less_equal, less_equal, 1, 0>},
      {"And", comparison<Op::mul>, fold_two<both, nonzero_both>},
      {"Or", comparison<Op::max>, fold_two<either, nonzero_either>},
      {"Xor", comparison<Op::not_equal>},
      {"Not", logical_not, fold_one<inverted>},
      {"IsNaN", is_nan},
      {"Where", comparison<Op::where>, fold_where},
  };
  return kRows;
}

}  // namespace rnc::onnx
