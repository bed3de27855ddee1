#include "ir/ops/formula.h"

#include <cmath>

#include "ir/graph/diagnostics.h"

namespace rnc {

struct Formula::Node {
  Kind kind = Kind::constant;
  int index = 0;
  double value = 0;
  std::vector<Formula> parts;
};

Formula::Formula(Node node) : node_(std::make_shared<const Node>(std::move(node))) {}
Formula::Formula(double constant) : Formula(Node{.value = constant}) {}
Formula::Formula(Kind kind, std::vector<Formula> parts)
    : Formula(Node{.kind = kind, .parts = std::move(parts)}) {}
Formula Formula::operand(int index) { return Formula(Node{.kind = Kind::operand, .index = index}); }

Formula::Kind Formula::kind() const { return node_->kind; }
int Formula::index() const { return node_->index; }
double Formula::value() const { return node_->value; }
const std::vector<Formula>& Formula::parts() const { return node_->parts; }

double Formula::evaluate(std::span<const double> operands) const {
  const auto part = [&](size_t i) { return parts()[i].evaluate(operands); };
  switch (kind()) {
    case Kind::operand:
      return operands[static_cast<size_t>(index())];
    case Kind::constant:
      return value();
    case Kind::add:
      return part(0) + part(1);
    case Kind::sub:
      return part(0) - part(1);
    case Kind::mul:
      return part(0) * part(1);
    case Kind::div:
      return part(0) / part(1);
    case Kind::sqrt:
      return std::sqrt(part(0));
    case Kind::exp:
      return std::exp(part(0));
    case Kind::log:
      return std::log(part(0));
    case Kind::select:
      return part(0) < part(1) ? part(2) : part(3);
  }
  unreachable("formula");
}

Formula operator+(Formula a, Formula b) { return {Formula::Kind::add, {std::move(a), std::move(b)}}; }
Formula operator-(Formula a, Formula b) { return {Formula::Kind::sub, {std::move(a), std::move(b)}}; }
Formula operator*(Formula a, Formula b) { return {Formula::Kind::mul, {std::move(a), std::move(b)}}; }
Formula operator/(Formula a, Formula b) { return {Formula::Kind::div, {std::move(a), std::move(b)}}; }
Formula sqrt(Formula a) { return {Formula::Kind::sqrt, {std::move(a)}}; }
Formula exp(Formula a) { return {Formula::Kind::exp, {std::move(a)}}; }
Formula log(Formula a) { return {Formula::Kind::log, {std::move(a)}}; }
Formula where_less(Formula a, Formula b, Formula yes, Formula no) {
  return {Formula::Kind::select, {std::move(a), std::move(b), std::move(yes), std::move(no)}};
}

}  // namespace rnc
