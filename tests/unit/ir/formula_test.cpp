#include "ir/ops/formula.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

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
