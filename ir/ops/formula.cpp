#include "ir/ops/formula.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ir/graph/diagnostics.h"

namespace rnc {

struct Formula::Node {
  Kind kind = Kind::constant;
  int index = 0;
  double value = 0;
  std::vector<Formula> parts;
};

Formula::Formula(Node node) : node_(std::make_shared<const Node>(std::move(node))) {}
Formula::Formula(double constant) : Formula(Node{.value = constant, .parts = {}}) {}
Formula::Formula(Kind kind, std::vector<Formula> parts)
    : Formula(Node{.kind = kind, .parts = std::move(parts)}) {}
Formula Formula::operand(int index) {
  return Formula(Node{.kind = Kind::operand, .index = index, .parts = {}});
}

Formula::Kind Formula::kind() const { return node_->kind; }
int Formula::index() const { return node_->index; }
double Formula::value() const { return node_->value; }
const std::vector<Formula>& Formula::parts() const { return node_->parts; }
bool Formula::is(double constant) const { return kind() == Kind::constant && value() == constant; }
bool Formula::uses(Kind wanted) const {
  return kind() == wanted ||
         std::ranges::any_of(parts(), [&](const Formula& part) { return part.uses(wanted); });
}

double Formula::evaluate(std::span<const double> operands) const {
  const auto part = [&](size_t i) { return parts()[i].evaluate(operands); };
  const auto extreme = [&](bool smaller) {
    const double a = part(0), b = part(1);
    return std::isnan(b) || (smaller ? b < a : a < b) ? b : a;
  };
  switch (kind()) {
    case Kind::operand:
      return operands[static_cast<size_t>(index())];
    case Kind::constant:
      return value();
    case Kind::add:
      return part(0) + part(1);
    case Kind::sub:
      return part(0) - part(1);
    case Kind::mul:
      return part(0) * part(1);
    case Kind::div:
      return part(0) / part(1);
    case Kind::min:
      return extreme(true);
    case Kind::max:
      return extreme(false);
    case Kind::sqrt:
      return std::sqrt(part(0));
    case Kind::exp:
      return std::exp(part(0));
    case Kind::log:
      return std::log(part(0));
    case Kind::tanh:
      return std::tanh(part(0));
    case Kind::erf:
      return std::erf(part(0));
    case Kind::floor:
      return std::floor(part(0));
    case Kind::less:
      return part(0) < part(1) ? part(2) : part(3);
    case Kind::equal:
      return part(0) == part(1) ? part(2) : part(3);
  }
  unreachable("formula");
}

namespace {

// A derivative times, or divided by, something: nothing where it is 0, whatever the other is.
Formula times(const Formula& d, const Formula& x) { return d.is(0) ? d : d * x; }
Formula over(const Formula& d, const Formula& x) { return d.is(0) ? d : d / x; }

}  // namespace

Formula Formula::derivative(int operand) const {
  const auto part = [&](size_t i) { return parts()[i]; };
  const auto d = [&](size_t i) { return parts()[i].derivative(operand); };
  switch (kind()) {
    case Kind::operand:
      return index() == operand ? 1.0 : 0.0;
    case Kind::constant:
      return 0.0;
    case Kind::add:
      return d(0) + d(1);
    case Kind::sub:
      return d(0) - d(1);
    case Kind::mul:
      return times(d(0), part(1)) + times(d(1), part(0));
    case Kind::div:
      return over(d(0), part(1)) - over(times(d(1), *this), part(1));
    case Kind::min:
      return where_less(part(0), part(1), d(0), where_equal(part(0), part(1), 0.5 * (d(0) + d(1)), d(1)));
    case Kind::max:
      return where_less(part(1), part(0), d(0), where_equal(part(0), part(1), 0.5 * (d(0) + d(1)), d(1)));
    case Kind::sqrt:
      return over(times(d(0), 0.5), *this);
    case Kind::exp:
      return times(d(0), *this);
    case Kind::log:
      return over(d(0), part(0));
    case Kind::tanh:
      return times(d(0), 1 - *this * *this);
    case Kind::erf:
      return times(d(0), 2 * std::numbers::inv_sqrtpi * exp(-1 * (part(0) * part(0))));
    case Kind::floor:
      return 0.0;
    case Kind::less:
      return where_less(part(0), part(1), d(2), d(3));
    case Kind::equal:
      return where_equal(part(0), part(1), d(2), d(3));
  }
  unreachable("formula");
}

namespace {

using Kind = Formula::Kind;

bool constants(const Formula& a, const Formula& b) {
  return a.kind() == Kind::constant && b.kind() == Kind::constant;
}

}  // namespace

Formula operator+(Formula a, Formula b) {
  if (constants(a, b)) return a.value() + b.value();
  if (a.is(0)) return b;
  if (b.is(0)) return a;
  return {Kind::add, {std::move(a), std::move(b)}};
}

Formula operator-(Formula a, Formula b) {
  if (constants(a, b)) return a.value() - b.value();
  if (b.is(0)) return a;
  if (a.is(0)) return -1 * std::move(b);
  return {Kind::sub, {std::move(a), std::move(b)}};
}

Formula operator*(Formula a, Formula b) {
  if (constants(a, b)) return a.value() * b.value();
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  return {Kind::mul, {std::move(a), std::move(b)}};
}

Formula operator/(Formula a, Formula b) {
  if (constants(a, b)) return a.value() / b.value();
  if (b.is(1)) return a;
  return {Kind::div, {std::move(a), std::move(b)}};
}

Formula min(Formula a, Formula b) { return {Kind::min, {std::move(a), std::move(b)}}; }
Formula max(Formula a, Formula b) { return {Kind::max, {std::move(a), std::move(b)}}; }
Formula sqrt(Formula a) { return {Kind::sqrt, {std::move(a)}}; }
Formula exp(Formula a) { return {Kind::exp, {std::move(a)}}; }
Formula log(Formula a) { return {Kind::log, {std::move(a)}}; }
Formula tanh(Formula a) { return {Kind::tanh, {std::move(a)}}; }
Formula erf(Formula a) { return {Kind::erf, {std::move(a)}}; }
Formula floor(Formula a) { return {Kind::floor, {std::move(a)}}; }

Formula where_less(Formula a, Formula b, Formula yes, Formula no) {
  if (constants(yes, no) && yes.value() == no.value()) return yes;
  return {Kind::less, {std::move(a), std::move(b), std::move(yes), std::move(no)}};
}

Formula where_equal(Formula a, Formula b, Formula yes, Formula no) {
  if (constants(yes, no) && yes.value() == no.value()) return yes;
  return {Kind::equal, {std::move(a), std::move(b), std::move(yes), std::move(no)}};
}

}  // namespace rnc
