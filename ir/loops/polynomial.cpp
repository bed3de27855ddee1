#include "ir/loops/polynomial.h"

#include <array>
#include <numeric>

namespace rnc::loops {

namespace {

constexpr int64_t kLargest = int64_t{1} << 61;  // so that signs and sums of two do not overflow

}  // namespace

int64_t checked_mul(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result) || result > kLargest || result < -kLargest) throw Overflow();
  return result;
}

int64_t checked_add(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result) || result > kLargest || result < -kLargest) throw Overflow();
  return result;
}

Monomial product(Monomial a, Monomial b) {
  Monomial result = 0;
  int place = 64;
  while (a != 0 || b != 0) {
    if (place == 0) throw Overflow();
    Monomial& from = newest(a) >= newest(b) ? a : b;
    result |= static_cast<Monomial>(newest(from)) << (place -= 16);
    from = without_newest(from);
  }
  return result;
}

std::optional<Monomial> quotient(Monomial a, Monomial b) {
  Monomial result = 0;
  int place = 64;
  for (; b != 0; a = without_newest(a)) {
    if (newest(a) < newest(b)) return std::nullopt;
    if (newest(a) == newest(b)) {
      b = without_newest(b);
    } else {
      result |= static_cast<Monomial>(newest(a)) << (place -= 16);
    }
  }
  return result | (place == 64 ? a : a >> (64 - place));
}

Polynomial::Polynomial(int64_t constant) {
  if (constant != 0) terms_.push_back({0, checked_add(constant, 0)});
}

Polynomial Polynomial::atom(int number) {
  Polynomial result;
  result.terms_.push_back({static_cast<Monomial>(number) << 48, 1});
  return result;
}

int64_t Polynomial::constant() const {
  return terms_.empty() || terms_.back().monomial != 0 ? 0 : terms_.back().factor;
}

Polynomial Polynomial::plus(int64_t factor, const Polynomial& other) const {
  Polynomial sum;
  sum.terms_.reserve(terms_.size() + other.terms_.size());
  auto a = terms_.begin();
  auto b = other.terms_.begin();
  while (a != terms_.end() || b != other.terms_.end()) {
    const bool from_a = a != terms_.end() && (b == other.terms_.end() || a->monomial >= b->monomial);
    const bool from_b = b != other.terms_.end() && (a == terms_.end() || b->monomial >= a->monomial);
    Term term{from_a ? a->monomial : b->monomial, from_a ? a->factor : 0};
    if (from_b) term.factor = checked_add(term.factor, checked_mul(factor, b->factor));
    if (from_a) ++a;
    if (from_b) ++b;
    if (term.factor != 0) sum.terms_.push_back(term);
  }
  if (sum.terms_.size() > kMostTerms) throw Overflow();
  return sum;
}

// Multiplying by one monomial keeps the order of the others.
Polynomial Polynomial::times(const Term& term) const {
  Polynomial result;
  if (term.factor == 0) return result;
  result.terms_.reserve(terms_.size());
  for (const Term& t : terms_)
    result.terms_.push_back({product(t.monomial, term.monomial), checked_mul(t.factor, term.factor)});
  return result;
}

Polynomial Polynomial::operator*(const Polynomial& other) const {
  Polynomial result;
  for (const Term& t : other.terms_) result = result + times(t);
  return result;
}

Polynomial Polynomial::without_leading() const {
  Polynomial result;
  result.terms_.assign(terms_.begin() + 1, terms_.end());
  return result;
}

std::pair<Polynomial, Polynomial> Polynomial::split(int64_t by) const {
  std::pair<Polynomial, Polynomial> result;
  for (const Term& t : terms_) {
    const bool whole = t.factor % by == 0;
    (whole ? result.first : result.second).terms_.push_back({t.monomial, whole ? t.factor / by : t.factor});
  }
  return result;
}

Polynomial Polynomial::substituted(int atom, const Polynomial& value) const {
  const Monomial single = static_cast<Monomial>(atom) << 48;
  Polynomial result;
  for (const Term& t : terms_) {
    Polynomial term(t.factor);
    Monomial rest = t.monomial;
    while (const auto divided = quotient(rest, single)) {
      rest = *divided;
      term = term * value;
    }
    result = result + term.times({rest, 1});
  }
  return result;
}

Polynomial Polynomial::tightened() const {
  int64_t divisor = 0;
  for (const Term& t : terms_) {
    if (t.monomial != 0) divisor = std::gcd(divisor, t.factor);
  }
  if (divisor <= 1) return *this;
  Polynomial result = *this;
  for (Term& t : result.terms_) {
    const bool up = t.factor > 0 && t.factor % divisor != 0;  // of the constant: divided, it rounds up
    t.factor = t.factor / divisor + (up ? 1 : 0);
  }
  if (result.terms_.back().factor == 0) result.terms_.pop_back();
  return result;
}

}  // namespace rnc::loops
