#include "ir/ops/formula.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "ir/ops/op.h"

using namespace rnc;

namespace {

Formula a() { return Formula::operand(0); }
Formula b() { return Formula::operand(1); }

double slope(const Formula& f, int operand, double x, double y) {
  const double h = 1e-6;
  const auto at = [&](double dx) {
    return f.evaluate(operand == 0 ? std::vector{x + dx, y} : std::vector{x, y + dx});
  };
  return (at(h) - at(-h)) / (2 * h);
}

}  // namespace

TEST_CASE("derivatives of formulas are their slopes") {
  const std::vector<Formula> formulas = {a() + b(),
                                         a() - 3 * b(),
                                         a() * a() * b(),
                                         a() / b(),
                                         sqrt(a()) * b(),
                                         exp(a() * b()),
                                         log(a()) + b(),
                                         tanh(a()) / b(),
                                         erf(b() - a()),
                                         min(a(), b() * b()),
                                         max(2 * a(), b()),
                                         where_less(a(), b(), a() * b(), b()),
                                         where_equal(a(), b(), 1, a() * a())};
  for (const Formula& f : formulas)
    for (const auto& [x, y] : {std::pair{0.7, 1.3}, {1.9, 0.4}})
      for (const int operand : {0, 1})
        CHECK(f.derivative(operand).evaluate(std::vector{x, y}) ==
              doctest::Approx(slope(f, operand, x, y)).epsilon(1e-6));
}

TEST_CASE("derivatives have no terms that are always zero; a product with 0 keeps a NaN") {
  CHECK((3 * b()).derivative(0).is(0));
  CHECK((a() + b()).derivative(0).is(1));
  CHECK((a() * 5).derivative(0).is(5));
  CHECK(where_less(a(), 0, -1, 1).derivative(0).is(0));
  CHECK((0 * a()).derivative(0).is(0));
  CHECK(std::isnan((0 * a()).evaluate(std::vector{std::nan("")})));
  CHECK(!(2 * exp(a())).uses(Formula::Kind::log));
  CHECK((2 * log(exp(a()))).uses(Formula::Kind::log));
}

TEST_CASE("of equals, each has half of the derivative of min and max; a NaN is both") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Formula& f : {min(a(), b()), max(a(), b())}) {
    for (const int operand : {0, 1}) CHECK(f.derivative(operand).evaluate(std::vector{2.0, 2.0}) == 0.5);
    CHECK(std::isnan(f.evaluate(std::vector{nan, 1.0})));
    CHECK(std::isnan(f.evaluate(std::vector{1.0, nan})));
  }
}

TEST_CASE("at bends, derivatives are PyTorch's gradients (1.13); of a NaN, the value is PyTorch's") {
  struct Case {
    Op op;
    std::vector<double> gradients;  // at 0, 6, -3 and 3
    double of_nan;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Case cases[] = {{Op::abs, {0, 1, -1, 1}, nan},
                        {Op::sign, {0, 0, 0, 0}, 0},
                        {Op::floor, {0, 0, 0, 0}, nan},
                        {Op::ceil, {0, 0, 0, 0}, nan},
                        {Op::round, {0, 0, 0, 0}, nan},
                        {Op::relu6, {0, 0, 0, 1}, nan},
                        {Op::hardsigmoid, {1.0 / 6, 0, 0, 0}, nan},
                        {Op::hardswish, {0.5, 1, -0.5, 1.5}, nan},
                        {Op::leaky_relu, {0.01, 1, 0.01, 1}, nan},
                        {Op::elu, {1, 1, std::exp(-3.0), 1}, nan}};
  for (const Case& c : cases) {
    CAPTURE(name(c.op));
    const Formula f = formula_of(info(c.op), complete_attributes(info(c.op), {}, {}));
    const Formula derivative = f.derivative(0);
    const double places[] = {0, 6, -3, 3};
    for (size_t i = 0; i < 4; ++i)
      CHECK(derivative.evaluate(std::vector{places[i]}) == doctest::Approx(c.gradients[i]));
    const double of_nan = f.evaluate(std::vector{nan});
    CHECK((std::isnan(c.of_nan) ? std::isnan(of_nan) : of_nan == c.of_nan));
  }
  // Of two whole numbers that are as near, PyTorch takes the even one.
  const auto at = [](Op op, double x) { return info(op).formula->evaluate(std::vector{x}); };
  for (const auto& [x, nearest] : {std::pair{0.5, 0.0},
                                   {1.5, 2.0},
                                   {2.5, 2.0},
                                   {-0.5, 0.0},
                                   {-1.5, -2.0},
                                   {0.49999997, 0.0},
                                   {8388609.0, 8388609.0},
                                   {-2.7, -3.0}})
    CHECK(at(Op::round, x) == nearest);
  CHECK(at(Op::floor, -0.5) == -1);
  CHECK(at(Op::ceil, -0.5) == 0);
  CHECK(at(Op::ceil, 1.25) == 2);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Op op : {Op::floor, Op::ceil, Op::round}) CHECK(at(op, -infinity) == -infinity);
  Attributes clip, none;
  clip.set("min", -1.0);
  clip.set("max", 1.0);
  for (const double bound : {-1.0, 1.0})
    CHECK(formula_of(info(Op::clip), clip).derivative(0).evaluate(std::vector{bound}) == 1);
  none.set("exponent", 0.0);
  CHECK(formula_of(info(Op::pow), none).evaluate(std::vector{nan}) == 1);
}
