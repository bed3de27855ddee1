#include "compiler/emit/affine.h"

#include <numeric>
#include <tuple>

namespace rnc {
namespace {

bool before(const Atom& a, const Atom& b) { return std::tie(a.depth, a.order) < std::tie(b.depth, b.order); }

}  // namespace

Affine Affine::operator+(const Affine& other) const {
  Affine sum;
  sum.constant = constant + other.constant;
  sum.terms.reserve(terms.size() + other.terms.size());
  auto a = terms.begin();
  auto b = other.terms.begin();
  while (a != terms.end() || b != other.terms.end()) {
    if (b == other.terms.end() || (a != terms.end() && before(a->atom, b->atom))) {
      sum.terms.push_back(*a++);
    } else if (a == terms.end() || before(b->atom, a->atom)) {
      sum.terms.push_back(*b++);
    } else {
      const int64_t coefficient = a->coefficient + b->coefficient;
      if (coefficient != 0) sum.terms.push_back({a->atom, coefficient});
      ++a, ++b;
    }
  }
  return sum;
}

Affine Affine::operator*(int64_t factor) const {
  if (factor == 0) return {};
  Affine product = *this;
  product.constant *= factor;
  for (Term& term : product.terms) term.coefficient *= factor;
  return product;
}

bool Affine::divide(int64_t divisor, Affine& quotient, int64_t& remainder) const {
  for (const Term& term : terms) {
    if (term.coefficient % divisor != 0) return false;
  }
  remainder = (constant % divisor + divisor) % divisor;
  quotient = *this;
  quotient.constant = (constant - remainder) / divisor;
  for (Term& term : quotient.terms) term.coefficient /= divisor;
  return true;
}

int64_t Affine::alignment(int64_t limit) const {
  int64_t divisor = std::gcd(limit, constant);
  for (const Term& term : terms) divisor = std::gcd(divisor, term.coefficient);
  return divisor;
}

}  // namespace rnc
