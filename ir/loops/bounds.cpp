#include "ir/loops/bounds.h"

#include <algorithm>

namespace rnc::loops {
namespace {

bool is_index(const Expr& e) { return e->type == ValueType{Scalar::i64, 1}; }
bool is_integer(const Expr& e, int64_t value) {
  return e->kind == ExprKind::constant && is_index(e) && e->integer == value;
}
bool is_binary(const Expr& e, Binary op) { return e->kind == ExprKind::binary && e->binary == op; }

Facts both(Facts a, const Facts& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

Bounds::Bounds(Extent tasks) {
  batch_ = values_["N"] = unknown({1, Range::kInfinity});
  values_["threads"] = unknown({1, Range::kInfinity});
  values_["task"] = 0;
  if (tasks == Extent{1, 0}) return;
  const Polynomial task = unknown({0, tasks.per_sample > 0 ? Range::kInfinity : tasks.fixed - 1});
  prover_.know(task, task + 1 - batch_ * tasks.per_sample - tasks.fixed);
  values_["task"] = task;
}

void Bounds::let(const std::string& variable, const Expr& e) {
  lets_[variable] = e;
  if (is_index(e)) values_[variable] = value(e);
}

void Bounds::loop(const StmtNode& loop) {
  const Polynomial begin = value(loop.begin), end = value(loop.end);
  lets_.erase(loop.variable);
  prover_.assume(begin - end + 1);
  if (loop.step == 1) {
    const Range values{prover_.range(begin).low, prover_.range(end - 1).high};
    const Polynomial variable = values_[loop.variable] = unknown(values);
    prover_.know(variable, begin - variable);
    prover_.know(variable, variable - end + 1);
    return;
  }
  const Polynomial last = end - begin - 1;
  const int64_t most = prover_.range(last).high;
  if (last.is_constant() && most < loop.step) {
    values_[loop.variable] = begin;
    return;
  }
  const Polynomial trip = unknown({0, most == Range::kInfinity ? most : most / loop.step});
  const Polynomial distance = trip.times({0, loop.step});
  prover_.know(trip, distance - last);
  values_[loop.variable] = begin + distance;
}

void Bounds::assume(const Expr& condition, bool holds) {
  for (const Polynomial& fact : facts(condition, holds)) prover_.assume(fact);
}

int Bounds::unproven(const Access& access) {
  const Mark before = mark();
  const Polynomial lanes =
      access.valid ? least_or_greatest(AtomKind::minimum, touched_lanes(access.valid), access.lanes)
                   : Polynomial(access.lanes);
  int found = -1;
  for (size_t d = 0; d < access.index.size() && found < 0; ++d) {
    const Extent dim = access.memory->dims[d];
    const Polynomial first = value(access.index[d]);
    const Polynomial end = static_cast<int>(d) == access.lane_dim ? first + lanes : first + 1;
    const Polynomial size = batch_ * dim.per_sample + dim.fixed;
    if (!prover_.at_most_zero(Polynomial() - first) || !prover_.at_most_zero(end - size))
      found = static_cast<int>(d);
  }
  if (access.valid) return_to(before);
  return found;
}

// Assumes that there are any, as otherwise nothing is touched.
Polynomial Bounds::touched_lanes(const Expr& valid) {
  const Expr& e = definition(valid);
  if (is_binary(e, Binary::min)) {
    const Polynomial a = touched_lanes(e->operands[0]), b = touched_lanes(e->operands[1]);
    return least_or_greatest(AtomKind::minimum, a, b);
  }
  if (is_binary(e, Binary::max) && is_integer(e->operands[1], 0)) return touched_lanes(e->operands[0]);
  if (e->kind == ExprKind::select) {
    for (const size_t other : {1, 2}) {
      if (!is_integer(e->operands[3 - other], 0)) continue;
      assume(e->operands[0], other == 1);
      return touched_lanes(e->operands[other]);
    }
  }
  const Polynomial lanes = value(e);
  prover_.assume(Polynomial(1) - lanes);
  return lanes;
}

const Expr& Bounds::definition(const Expr& e) const {
  if (e->kind != ExprKind::variable) return e;
  const auto found = lets_.find(e->variable);
  return found == lets_.end() ? e : definition(found->second);
}

Polynomial Bounds::unknown(Range range) { return prover_.add({.range = range}); }

Polynomial Bounds::value(const Expr& e) {
  if (!is_index(e)) return unknown();
  if (e->kind == ExprKind::constant) return e->integer;
  if (e->kind == ExprKind::variable) return values_.at(e->variable);
  try {
    return operation(*e);
  } catch (const Overflow&) {
    return unknown();
  }
}

Polynomial Bounds::operation(const ExprNode& e) {
  if (e.kind == ExprKind::cast) return converted(e);
  if (e.kind == ExprKind::select) {
    Atom choice{.kind = AtomKind::choice, .operands = {value(e.operands[1]), value(e.operands[2])}};
    choice.conditions[0] = facts(e.operands[0], true);
    choice.conditions[1] = facts(e.operands[0], false);
    const Range a = prover_.range(choice.operands[0]), b = prover_.range(choice.operands[1]);
    choice.range = {std::min(a.low, b.low), std::max(a.high, b.high)};
    return prover_.add(std::move(choice));
  }
  if (e.kind == ExprKind::unary) return Polynomial() - value(e.operands[0]);
  if (e.kind != ExprKind::binary) return unknown();
  const Polynomial a = value(e.operands[0]), b = value(e.operands[1]);
  switch (e.binary) {
    case Binary::add:
      return a + b;
    case Binary::sub:
      return a - b;
    case Binary::mul:
      return a * b;
    case Binary::div:
      return divided(a, b);
    case Binary::mod:
      return a - divided(a, b) * b;
    case Binary::min:
      return least_or_greatest(AtomKind::minimum, a, b);
    case Binary::max:
      return least_or_greatest(AtomKind::maximum, a, b);
    default:
      return unknown();
  }
}

Polynomial Bounds::least_or_greatest(AtomKind kind, const Polynomial& a, const Polynomial& b) {
  const bool least = kind == AtomKind::minimum;
  const Range difference = prover_.range(a - b);
  if (difference.high <= 0) return least ? a : b;
  if (difference.low >= 0) return least ? b : a;
  if (const auto found = prover_.find(kind, {a, b})) return *found;
  const Range x = prover_.range(a), y = prover_.range(b);
  const Range range = least ? Range{std::min(x.low, y.low), std::min(x.high, y.high)}
                            : Range{std::max(x.low, y.low), std::max(x.high, y.high)};
  return prover_.add({.kind = kind, .operands = {a, b}, .range = range});
}

// Division truncates: nothing is said of operands that may be negative.
Polynomial Bounds::divided(const Polynomial& a, const Polynomial& b) {
  if (b.is_constant() && b.constant() > 0) {
    const auto [whole, rest] = a.split(b.constant());
    if (rest == Polynomial()) return whole;
    const bool positive = prover_.range(whole).low >= 0 && prover_.range(rest).low >= 0;
    if (positive && whole != Polynomial()) return whole + divided(rest, b);
  }
  if (const auto found = prover_.find(AtomKind::quotient, {a, b})) return *found;
  if (!prover_.at_most_zero(Polynomial() - a) || !prover_.at_most_zero(Polynomial(1) - b)) return unknown();
  const Range x = prover_.range(a), y = prover_.range(b);
  const Range range{
      y.high == Range::kInfinity ? 0 : std::max<int64_t>(x.low, 0) / std::max<int64_t>(y.high, 1),
      x.high == Range::kInfinity ? Range::kInfinity
                                 : std::max<int64_t>(x.high, 0) / std::max<int64_t>(y.low, 1)};
  if (range.low == range.high) return range.low;
  const Polynomial quotient = prover_.add({.kind = AtomKind::quotient, .operands = {a, b}, .range = range});
  prover_.know(quotient, quotient * b - a);
  prover_.know(quotient, a - quotient * b - b + 1);
  prover_.know(quotient, prover_.projected(quotient * b - a));
  if (!b.is_constant()) prover_.know(quotient, quotient - a);
  return quotient;
}

Polynomial Bounds::converted(const ExprNode& cast) {
  const Scalar from = cast.operands[0]->type.scalar;
  if (from == Scalar::boolean) return unknown({0, 1});
  if (from == Scalar::u8) return unknown({0, 255});
  return unknown();
}

Facts Bounds::facts(const Expr& condition, bool holds) {
  const Expr& e = definition(condition);
  if (e->kind == ExprKind::constant) return (e->integer != 0) == holds ? Facts{} : Facts{Polynomial(1)};
  if (e->kind != ExprKind::binary) return {};
  if (e->binary == (holds ? Binary::logic_and : Binary::logic_or))
    return both(facts(e->operands[0], holds), facts(e->operands[1], holds));
  if (!is_index(e->operands[0])) return {};
  return compared(e->binary, e->operands[0], e->operands[1], holds);
}

Facts Bounds::compared(Binary op, const Expr& left, const Expr& right, bool holds) {
  if (op == Binary::ne) return compared(Binary::eq, left, right, !holds);
  if (op == Binary::eq) {
    // A condition that was kept as 0 or 1.
    const Expr& e = definition(left);
    const bool kept = e->kind == ExprKind::cast && e->operands[0]->type.scalar == Scalar::boolean;
    if (kept && (is_integer(right, 0) || is_integer(right, 1)))
      return facts(e->operands[0], is_integer(right, 1) == holds);
    if (!holds) return {};
  }
  const Polynomial a = value(left), b = value(right);
  switch (op) {
    case Binary::eq:
      return {a - b, b - a};
    case Binary::lt:
      return {holds ? a - b + 1 : b - a};
    case Binary::le:
      return {holds ? a - b : b - a + 1};
    default:
      return {};
  }
}

}  // namespace rnc::loops
