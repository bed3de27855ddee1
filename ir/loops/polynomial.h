// Polynomials over integer atoms: what the prover of bounds (prover.h) computes with. An atom is a number
// from 1; a newer atom has a larger one. Arithmetic that leaves 64 bits, or has too many terms, throws Overflow.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rnc::loops {

struct Overflow {};

// A product of up to four atoms, 16 bits each, the newest in the highest bits: monomials order by their
// newest atom, then the next. 0: the empty product, 1.
using Monomial = uint64_t;
inline constexpr size_t kMostTerms = 4096;
inline constexpr int kMostAtoms = 0xffff;

inline int newest(Monomial m) { return static_cast<int>(m >> 48); }
inline Monomial without_newest(Monomial m) { return m << 16; }
Monomial product(Monomial a, Monomial b);
std::optional<Monomial> quotient(Monomial a, Monomial b);  // none where b does not divide a

struct Term {
  Monomial monomial;
  int64_t factor;
  auto operator<=>(const Term&) const = default;
};

class Polynomial {
 public:
  Polynomial() = default;
  Polynomial(int64_t constant);  // NOLINT: a constant reads as a polynomial
  static Polynomial atom(int number);

  // The newest monomial first; the constant, if it is not 0, last.
  const std::vector<Term>& terms() const { return terms_; }
  bool is_constant() const { return terms_.empty() || terms_.front().monomial == 0; }
  int64_t constant() const;
  const Term& leading() const { return terms_.front(); }

  Polynomial operator+(const Polynomial& other) const { return plus(1, other); }
  Polynomial operator-(const Polynomial& other) const { return plus(-1, other); }
  Polynomial operator*(const Polynomial& other) const;
  Polynomial plus(int64_t factor, const Polynomial& other) const;  // this + factor * other
  Polynomial times(const Term& term) const;
  Polynomial without_leading() const;
  // This is `by` times the first plus the second, which holds the terms that `by` does not divide.
  std::pair<Polynomial, Polynomial> split(int64_t by) const;
  // With `value` in place of an atom.
  Polynomial substituted(int atom, const Polynomial& value) const;
  // The least c of integers and factors without a common divisor with this <= 0 exactly where c <= 0.
  Polynomial tightened() const;

  auto operator<=>(const Polynomial&) const = default;

 private:
  std::vector<Term> terms_;
};

int64_t checked_mul(int64_t a, int64_t b);
int64_t checked_add(int64_t a, int64_t b);

}  // namespace rnc::loops
