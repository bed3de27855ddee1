// Proves that a polynomial over integer atoms is at most 0. What is known of an atom are its range, its
// definition, and facts: polynomials that are at most 0; assumptions are facts about atoms that exist. A
// proof eliminates the newest monomial by a fact, as Fourier and Motzkin do, or by the cases of a minimum,
// maximum or choice, until ranges decide. What is proven holds; what holds may need a proof beyond the
// search's limits.
#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "ir/loops/polynomial.h"

namespace rnc::loops {

// The values an atom can take, both ends included.
struct Range {
  static constexpr int64_t kInfinity = std::numeric_limits<int64_t>::max();  // as an end: there is none
  int64_t low = -kInfinity;
  int64_t high = kInfinity;
};

using Facts = std::vector<Polynomial>;  // each at most 0

enum class AtomKind : uint8_t { opaque, minimum, maximum, choice, quotient };

struct Atom {
  AtomKind kind = AtomKind::opaque;
  std::vector<Polynomial> operands;  // the two cases; or dividend and divisor, which are >= 0 and >= 1
  Facts conditions[2];               // choice: what holds in either case
  Range range;
  Facts known;          // facts of which this is the newest atom
  bool closed = false;  // depends only on atoms with ranges that have both ends
};

class Prover {
 public:
  Polynomial add(Atom atom);
  // The minimum, maximum or quotient of these operands, if it was added.
  std::optional<Polynomial> find(AtomKind kind, const std::vector<Polynomial>& operands) const;
  void know(const Polynomial& atom, const Polynomial& at_most_zero);
  // What follows from a fact for its newest atom and the oldest of all alone; 0 if nothing is seen to.
  Polynomial projected(Polynomial fact) const;
  void assume(const Polynomial& at_most_zero);
  // Whether it is proven. All is where assumptions contradict each other.
  bool at_most_zero(const Polynomial& goal);
  Range range(const Polynomial& of) const;

  struct Mark {
    size_t atoms, assumptions;
    bool unreachable;
  };
  Mark mark() const { return {atoms_.size(), assumptions_.size(), unreachable_}; }
  // Forgets atoms and assumptions made since.
  void return_to(const Mark& mark);

 private:
  // prover.cpp
  const Atom& atom(int number) const { return atoms_[static_cast<size_t>(number) - 1]; }
  Range range(Monomial m) const;
  bool closed(const Polynomial& p, int except) const;
  Polynomial opposite(const Term& term) const;

  // proof.cpp
  bool proven(const Polynomial& goal);
  bool search(const Polynomial& wanted, int depth);
  bool by_ranges(const Polynomial& goal, int depth);
  bool by_operands(const Polynomial& goal, int depth);
  bool by_definition(const Polynomial& goal, int depth);
  bool by_cases(const Polynomial& goal, const Atom& atom, int depth);
  bool by_facts(const Polynomial& goal, int depth);
  bool by_facts_of(const Polynomial& goal, const Term& term, int depth);
  bool by_atom(const Polynomial& goal, const Term& term, int number, int depth);
  bool eliminated(const Polynomial& goal, const Term& term, const Polynomial& fact, const Term& of_fact,
                  int depth);
  bool assumed(int atom) const;

  std::vector<Atom> atoms_;
  Facts assumptions_;
  std::map<std::pair<AtomKind, std::vector<Polynomial>>, Polynomial> defined_;
  bool unreachable_ = false;
  // Of the current search: steps left, whether to eliminate more than the newest monomial, and goals tried
  // with their depth, by the number of assumptions.
  int steps_ = 0;
  bool any_term_ = false;
  std::map<std::pair<size_t, Polynomial>, int> tried_;
};

inline bool infinite(int64_t end) { return end == Range::kInfinity || end == -Range::kInfinity; }
inline Monomial single(int atom) { return static_cast<Monomial>(atom) << 48; }

}  // namespace rnc::loops
