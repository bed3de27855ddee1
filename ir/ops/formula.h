// What an elementwise operation computes of one element of each operand. The reference interpreter evaluates it in
// double precision, kernels on vectors (passes/lower/fused.cpp); lowering finds out by it where padding does not stay
// zero (passes/lower/padding_lanes.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace rnc {

class Formula {
 public:
  enum class Kind : uint8_t { operand, constant, add, sub, mul, div, sqrt, exp, log, select };

  Formula(double constant);
  static Formula operand(int index);
  Formula(Kind kind, std::vector<Formula> parts);

  Kind kind() const;
  int index() const;     // of an operand
  double value() const;  // of a constant
  const std::vector<Formula>& parts()
      const;  // of select four: the third where the first is less than the second,
              // else the fourth
  // NaN and infinities follow IEEE arithmetic; a comparison with NaN is false.
  double evaluate(std::span<const double> operands) const;

 private:
  struct Node;
  explicit Formula(Node node);
  std::shared_ptr<const Node> node_;
};

Formula operator+(Formula a, Formula b);
Formula operator-(Formula a, Formula b);
Formula operator*(Formula a, Formula b);
Formula operator/(Formula a, Formula b);
Formula sqrt(Formula a);
Formula exp(Formula a);
Formula log(Formula a);
Formula where_less(Formula a, Formula b, Formula yes, Formula no);

}  // namespace rnc
