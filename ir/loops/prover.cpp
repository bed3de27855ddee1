#include "ir/loops/prover.h"

#include <algorithm>
#include <numeric>

namespace rnc::loops {
namespace {

constexpr int64_t kInfinity = Range::kInfinity;

// Ends that do not fit are none.
int64_t times(int64_t a, int64_t b) {
  int64_t result = 0;
  if (a == 0 || b == 0) return 0;
  if (!infinite(a) && !infinite(b) && !__builtin_mul_overflow(a, b, &result)) return result;
  return (a > 0) == (b > 0) ? kInfinity : -kInfinity;
}
int64_t plus(int64_t a, int64_t b, int64_t none) {
  int64_t result = 0;
  return infinite(a) || infinite(b) || __builtin_add_overflow(a, b, &result) ? none : result;
}

Range operator*(const Range& a, const Range& b) {
  const auto ends = {times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)};
  return {std::min(ends), std::max(ends)};
}

}  // namespace

Polynomial Prover::add(Atom atom) {
  if (atoms_.size() == kMostAtoms) throw Overflow();
  atom.closed = !infinite(atom.range.low) && !infinite(atom.range.high) &&
                std::ranges::all_of(atom.operands, [&](const Polynomial& p) { return closed(p, 0); });
  const Polynomial added = Polynomial::atom(static_cast<int>(atoms_.size()) + 1);
  // Equal operands do not make equal choices.
  if (atom.kind != AtomKind::opaque && atom.kind != AtomKind::choice)
    defined_.emplace(std::pair(atom.kind, atom.operands), added);
  atoms_.push_back(std::move(atom));
  return added;
}

std::optional<Polynomial> Prover::find(AtomKind kind, const std::vector<Polynomial>& operands) const {
  const auto found = defined_.find({kind, operands});
  return found == defined_.end() ? std::nullopt : std::optional(found->second);
}

void Prover::know(const Polynomial& atom, const Polynomial& at_most_zero) {
  const int number = newest(atom.leading().monomial);
  const Polynomial fact = at_most_zero.tightened();
  Atom& a = atoms_[static_cast<size_t>(number) - 1];
  if (range(fact).high <= 0) return;
  a.closed = a.closed && closed(fact, number);
  a.known.push_back(fact);
}

void Prover::assume(const Polynomial& at_most_zero) {
  const Polynomial fact = at_most_zero.tightened();
  const Range values = range(fact);
  if (values.low > 0) unreachable_ = true;
  if (values.high <= 0 || values.low > 0) return;
  assumptions_.push_back(fact);
  // What is at most a minimum is at most each of its operands.
  const int number = newest(fact.leading().monomial);
  const AtomKind kind = atom(number).kind;
  const bool all = fact.leading().factor < 0 ? kind == AtomKind::minimum : kind == AtomKind::maximum;
  if (!all || fact.leading().monomial != single(number)) return;
  for (const int i : {0, 1}) {
    const Polynomial operand = atom(number).operands[static_cast<size_t>(i)];
    assume(fact.without_leading().plus(fact.leading().factor, operand));
  }
}

Polynomial Prover::projected(Polynomial fact) const {
  constexpr int kMost = 8;
  for (int i = 0; i < kMost && fact.terms().size() > 1; ++i) {
    const Term second = fact.terms()[1];
    if (second.monomial == 0 || second.monomial == single(1)) return fact;
    const Polynomial bound = opposite(second);
    if (bound.is_constant()) break;
    const int64_t common = std::gcd(second.factor, bound.leading().factor);
    const int64_t of_fact = std::abs(bound.leading().factor) / common,
                  of_bound = std::abs(second.factor) / common;
    fact = (fact.times({0, of_fact}) + bound.times({0, of_bound})).tightened();
  }
  return {};
}

// A fact that starts with this monomial with the other sign; a constant if none is known.
Polynomial Prover::opposite(const Term& term) const {
  const Atom& a = atom(newest(term.monomial));
  const int64_t end = term.factor > 0 ? a.range.low : a.range.high;
  if (term.monomial == single(newest(term.monomial)) && !infinite(end)) {
    const Polynomial value = Polynomial::atom(newest(term.monomial));
    return term.factor > 0 ? Polynomial(end) - value : value - end;
  }
  for (const Polynomial& fact : a.known) {
    const Term& first = fact.leading();
    if (first.monomial == term.monomial && (first.factor > 0) != (term.factor > 0)) return fact;
  }
  return {};
}

void Prover::return_to(const Mark& mark) {
  for (; atoms_.size() > mark.atoms; atoms_.pop_back())
    defined_.erase({atoms_.back().kind, atoms_.back().operands});
  assumptions_.resize(mark.assumptions);
  unreachable_ = mark.unreachable;
}

Range Prover::range(Monomial m) const {
  Range result = atom(newest(m)).range;
  for (m = without_newest(m); m != 0; m = without_newest(m)) result = result * atom(newest(m)).range;
  return result;
}

Range Prover::range(const Polynomial& of) const {
  Range sum{0, 0};
  for (const Term& t : of.terms()) {
    const Range term =
        t.monomial == 0 ? Range{t.factor, t.factor} : range(t.monomial) * Range{t.factor, t.factor};
    sum = {plus(sum.low, term.low, -kInfinity), plus(sum.high, term.high, kInfinity)};
  }
  return sum;
}

bool Prover::closed(const Polynomial& p, int except) const {
  return std::ranges::all_of(p.terms(), [&](const Term& t) {
    for (Monomial m = t.monomial; m != 0; m = without_newest(m)) {
      if (newest(m) != except && !atom(newest(m)).closed) return false;
    }
    return true;
  });
}

}  // namespace rnc::loops
