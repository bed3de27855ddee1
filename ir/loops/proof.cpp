// The search for proofs.
#include <algorithm>
#include <numeric>

#include "ir/loops/prover.h"

namespace rnc::loops {
namespace {

// Short proofs are looked for first, and those that always eliminate the newest monomial.
struct Effort {
  int depth, steps;
  bool any_term;
};
constexpr Effort kEfforts[] = {{4, 500, false}, {10, 2000, false}, {6, 2000, true}, {10, 4000, true}};

}  // namespace

bool Prover::at_most_zero(const Polynomial& goal) {
  if (unreachable_ || proven(goal)) return true;
  for (size_t i = assumptions_.size(); i-- > 0;) {
    if (proven(Polynomial(1) - assumptions_[i])) return true;  // a contradiction
  }
  return false;
}

bool Prover::proven(const Polynomial& goal) {
  return std::ranges::any_of(kEfforts, [&](const Effort& effort) {
    tried_.clear();
    steps_ = effort.steps;
    any_term_ = effort.any_term;
    return search(goal, effort.depth);
  });
}

bool Prover::search(const Polynomial& wanted, int depth) {
  const Polynomial goal = wanted.tightened();
  const Range values = range(goal);
  if (values.high <= 0) return true;
  if (values.low > 0 || depth == 0) return false;
  int& tried = tried_[{assumptions_.size(), goal}];
  if (tried >= depth || steps_-- <= 0) return false;
  tried = depth;
  try {
    return by_ranges(goal, depth - 1) || by_operands(goal, depth - 1) || by_definition(goal, depth - 1) ||
           by_facts(goal, depth - 1);
  } catch (const Overflow&) {
    return false;
  }
}

// With the greatest values of atoms that depend on nothing without ends, such as variables of loops between
// constants; of all of them, or of those of which only the range is known. The rest then often has a common
// divisor, which tightens it.
bool Prover::by_ranges(const Polynomial& goal, int depth) {
  const auto without = [&](bool lone) {
    Polynomial rest = goal;
    for (const Term& t : goal.terms()) {
      const int number = newest(t.monomial);
      if (number == 0 || t.monomial != single(number) || t == goal.leading()) continue;
      const Atom& a = atom(number);
      const int64_t end = t.factor > 0 ? a.range.high : a.range.low;
      const bool goes =
          a.closed && (!lone || (a.kind == AtomKind::opaque && a.known.empty() && !assumed(number)));
      if (goes) rest = rest.plus(t.factor, Polynomial(end) - Polynomial::atom(number));
    }
    return rest;
  };
  const Polynomial all = without(false), lone = without(true);
  const size_t terms = goal.terms().size();
  return (all.terms().size() < terms && search(all, depth)) ||
         (lone.terms().size() < terms && lone != all && search(lone, depth));
}

bool Prover::assumed(int atom) const {
  return std::ranges::any_of(assumptions_, [&](const Polynomial& fact) {
    return std::ranges::any_of(fact.terms(),
                               [&](const Term& t) { return quotient(t.monomial, single(atom)).has_value(); });
  });
}

// A minimum is at most either operand: one that proves the goal is enough.
bool Prover::by_operands(const Polynomial& goal, int depth) {
  return std::ranges::any_of(goal.terms(), [&](const Term& t) {
    if (t.monomial == 0) return false;
    const Atom& a = atom(newest(t.monomial));
    if (a.kind != (t.factor > 0 ? AtomKind::minimum : AtomKind::maximum)) return false;
    const Monomial rest = without_newest(t.monomial);
    if (rest != 0 && range(rest).low < 0) return false;
    return std::ranges::any_of(a.operands, [&](const Polynomial& operand) {
      const Polynomial lower = Polynomial::atom(newest(t.monomial)) - operand;
      return search(goal - lower.times({rest, t.factor}), depth);
    });
  });
}

bool Prover::by_definition(const Polynomial& goal, int depth) {
  const Term& first = goal.leading();
  const Atom& a = atom(newest(first.monomial));
  if (a.kind == AtomKind::opaque) return false;
  if (a.kind != AtomKind::quotient) return by_cases(goal, a, depth);
  // Integers: goal <= 0 if divisor * goal <= divisor - 1.
  const Polynomial& divisor = a.operands[1];
  const bool scales = without_newest(first.monomial) == 0 && !divisor.is_constant();
  return scales && search(goal * divisor - divisor + 1, depth);
}

bool Prover::by_cases(const Polynomial& goal, const Atom& atom, int depth) {
  const auto holds = [&](size_t i) {
    const Polynomial in_case = goal.substituted(newest(goal.leading().monomial), atom.operands[i]);
    const size_t before = assumptions_.size();
    assumptions_.insert(assumptions_.end(), atom.conditions[i].begin(), atom.conditions[i].end());
    const bool proven = search(in_case, depth);
    assumptions_.resize(before);
    return proven;
  };
  return holds(0) && holds(1);
}

bool Prover::by_facts(const Polynomial& goal, int depth) {
  const size_t count = any_term_ ? goal.terms().size() : 1;
  return std::any_of(goal.terms().begin(), goal.terms().begin() + static_cast<std::ptrdiff_t>(count),
                     [&](const Term& t) { return t.monomial != 0 && by_facts_of(goal, t, depth); });
}

bool Prover::by_facts_of(const Polynomial& goal, const Term& term, int depth) {
  int last = 0;
  for (Monomial m = term.monomial; m != 0; m = without_newest(m)) {
    if (newest(m) != last && by_atom(goal, term, newest(m), depth)) return true;
    last = newest(m);
  }
  for (size_t i = assumptions_.size(); i-- > 0;) {
    const Polynomial fact = assumptions_[i];
    for (const Term& of_fact : fact.terms()) {
      if (eliminated(goal, term, fact, of_fact, depth)) return true;
    }
  }
  return false;
}

bool Prover::by_atom(const Polynomial& goal, const Term& term, int number, int depth) {
  const Atom& a = atom(number);
  const auto by = [&](const Polynomial& fact) { return eliminated(goal, term, fact, fact.leading(), depth); };
  if (std::ranges::any_of(a.known, by)) return true;
  const Polynomial value = Polynomial::atom(number);
  return (!infinite(a.range.high) && by(value - a.range.high)) ||
         (!infinite(a.range.low) && by(Polynomial(a.range.low) - value));
}

// Whether the goal is proven by adding a multiple of the fact, of which one term then cancels one of the
// goal.
bool Prover::eliminated(const Polynomial& goal, const Term& term, const Polynomial& fact, const Term& of_fact,
                        int depth) {
  if (of_fact.monomial == 0 || (of_fact.factor > 0) != (term.factor > 0)) return false;
  const auto rest = quotient(term.monomial, of_fact.monomial);
  if (!rest || (*rest != 0 && range(*rest).low < 0)) return false;
  const int64_t common = std::gcd(term.factor, of_fact.factor);
  const int64_t goals = std::abs(of_fact.factor) / common, facts = std::abs(term.factor) / common;
  // Integers: goal <= 0 if goals * goal <= goals - 1.
  const Polynomial scaled = goal.times({0, goals}) - (goals - 1);
  return search(scaled - fact.times({*rest, facts}), depth);
}

}  // namespace rnc::loops
