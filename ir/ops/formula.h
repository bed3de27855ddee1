// What an elementwise operation computes of one element of each operand. The reference interpreter evaluates it in
// double precision, kernels on vectors (passes/lower/fused.cpp); lowering finds out by it where padding does not stay
// zero (passes/lower/padding_lanes.h), and the gradient is its derivative.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace rnc {

class Formula {
 public:
  enum class Kind : uint8_t {
    operand,
    constant,
    add,
    sub,
    mul,
    div,
    min,  // of two; a NaN if either is one
    max,
    sqrt,
    exp,
    log,
    tanh,
    erf,
    floor,
    less,   // of four: the third where the first is less than the second, else the fourth
    equal,  // the same, where they are equal
  };

  Formula(double constant);
  static Formula operand(int index);
  Formula(Kind kind, std::vector<Formula> parts);

  Kind kind() const;
  int index() const;     // of an operand
  double value() const;  // of a constant
  const std::vector<Formula>& parts() const;
  bool is(double constant) const;  // whether it is this constant
  bool uses(Kind kind) const;      // in it or in a part

  // NaN and infinities follow IEEE arithmetic; a comparison with NaN is false.
  double evaluate(std::span<const double> operands) const;
  // Its derivative to an operand. Where it has a bend, that of the branch taken; of the larger or smaller of equals
  // half of each, as PyTorch's.
  Formula derivative(int operand) const;

 private:
  struct Node;
  explicit Formula(Node node);
  std::shared_ptr<const Node> node_;
};

// Sums, products and quotients with 0 and 1, and constants among themselves, are simplified: a derivative has no terms
// that are always zero.
Formula operator+(Formula a, Formula b);
Formula operator-(Formula a, Formula b);
Formula operator*(Formula a, Formula b);
Formula operator/(Formula a, Formula b);
Formula min(Formula a, Formula b);
Formula max(Formula a, Formula b);
Formula sqrt(Formula a);
Formula exp(Formula a);
Formula log(Formula a);
Formula tanh(Formula a);
Formula erf(Formula a);
Formula floor(Formula a);
Formula where_less(Formula a, Formula b, Formula yes, Formula no);
Formula where_equal(Formula a, Formula b, Formula yes, Formula no);

}  // namespace rnc
