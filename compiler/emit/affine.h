// Index arithmetic kept as sums, so that addresses come out as base + outer terms + inner terms + constant.
#pragma once

#include <cstdint>
#include <vector>

namespace llvm {
class Value;
}

namespace rnc {

// An i64 value that index arithmetic does not look into: a loop variable, a quotient, ...
struct Atom {
  llvm::Value* value = nullptr;
  int depth = 0;  // loops around the innermost variable it depends on
  int order = 0;  // when it was made: breaks ties, so that output does not depend on addresses in memory
  bool operator==(const Atom& other) const { return order == other.order; }
};

// constant + sum of coefficient * atom; terms outermost atom first, no two with the same atom, none with
// coefficient 0.
struct Affine {
  struct Term {
    Atom atom;
    int64_t coefficient = 1;
    bool operator==(const Term&) const = default;
  };
  int64_t constant = 0;
  std::vector<Term> terms;

  bool is_constant() const { return terms.empty(); }
  int depth() const { return terms.empty() ? 0 : terms.back().atom.depth; }

  static Affine of(Atom atom) { return {0, {{atom, 1}}}; }
  Affine operator+(const Affine& other) const;
  Affine operator-(const Affine& other) const { return *this + other * -1; }
  Affine operator*(int64_t factor) const;
  // Whether (*this) / divisor is exactly `quotient` + floor(remainder / divisor) with a constant remainder in
  // 0..divisor-1; *this must be known to be >= 0. If so, sets both.
  bool divide(int64_t divisor, Affine& quotient, int64_t& remainder) const;
  // The largest power of two, at most `limit`, that divides the value whatever the atoms are.
  int64_t alignment(int64_t limit) const;
};

}  // namespace rnc
