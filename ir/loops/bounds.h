// Whether the accesses of a kernel lie inside their memories: for the verifier. Indices become polynomials
// over loop variables, the task, the batch, and what is no polynomial of those (quotients, minima, loaded
// values), with lets in place; loops and conditions around an access become facts about them, from which the
// prover (prover.h) derives the bounds.
#pragma once

#include <map>
#include <string>

#include "ir/loops/loops.h"
#include "ir/loops/prover.h"

namespace rnc::loops {

class Bounds {
 public:
  explicit Bounds(Extent tasks);

  // What code inside a let, a loop or a condition knows. The names of variables in scope differ.
  void let(const std::string& variable, const Expr& value);
  void loop(const StmtNode& loop);
  void assume(const Expr& condition, bool holds);
  using Mark = Prover::Mark;
  Mark mark() const { return prover_.mark(); }
  // Forgets what loops and conditions after the mark said.
  void return_to(const Mark& mark) { prover_.return_to(mark); }

  struct Access {
    const MemoryRef& memory;
    const std::vector<Expr>& index;
    int lanes, lane_dim;
    const Expr& valid;  // may be none
  };
  // The first dimension along which it is not proven that all that is touched exists; -1 if none.
  int unproven(const Access& access);

 private:
  Polynomial value(const Expr& e);
  Polynomial operation(const ExprNode& e);
  Polynomial least_or_greatest(AtomKind kind, const Polynomial& a, const Polynomial& b);
  Polynomial divided(const Polynomial& a, const Polynomial& b);
  Polynomial converted(const ExprNode& cast);
  Polynomial unknown(Range range = {});
  Polynomial touched_lanes(const Expr& valid);
  Facts facts(const Expr& condition, bool holds);
  Facts compared(Binary op, const Expr& a, const Expr& b, bool holds);
  const Expr& definition(const Expr& e) const;

  Prover prover_;
  Polynomial batch_;
  std::map<std::string, Polynomial> values_;  // of variables that are i64
  std::map<std::string, Expr> lets_;
};

}  // namespace rnc::loops
