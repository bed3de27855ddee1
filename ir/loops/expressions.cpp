// Constructors of the loop IR's expressions: they check types, fold integer constants and drop what changes
// nothing.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "ir/loops/construct.h"

namespace rnc::loops {
namespace {

bool is_arithmetic(Scalar s) { return is_float(s) || s == Scalar::i32 || s == Scalar::i64; }

bool is_comparison(Binary op) {
  return op == Binary::lt || op == Binary::le || op == Binary::eq || op == Binary::ne;
}
bool is_logic(Binary op) { return op == Binary::logic_and || op == Binary::logic_or; }

Expr make(ExprNode node) { return Expr(std::make_shared<const ExprNode>(std::move(node))); }

bool commutes(Binary op) {
  return op == Binary::add || op == Binary::mul || op == Binary::min || op == Binary::max;
}

void check_operands(Binary op, ValueType type) {
  if (is_logic(op)) {
    rule(type.scalar == Scalar::boolean, "logic operations take booleans");
  } else if (op == Binary::mod) {
    rule(type.scalar == Scalar::i32 || type.scalar == Scalar::i64, "a remainder takes i32 or i64");
  } else if (!is_comparison(op)) {
    rule(is_arithmetic(type.scalar), "arithmetic takes i32, i64, f32 or f64: cast first");
  }
}

}  // namespace

Expr::Expr(int value) : Expr(static_cast<int64_t>(value)) {}
Expr::Expr(int64_t value) : Expr(integer(value)) {}

Expr constant(Scalar scalar, double value, int lanes) {
  rule(lanes >= 1, "a constant needs a positive number of lanes");
  rule(contract::compute_type(scalar) == scalar, "a constant of a type that is only stored: cast one");
  ExprNode node{.kind = ExprKind::constant, .type = {scalar, lanes}};
  if (is_float(scalar)) {
    node.real = scalar == Scalar::f32 ? static_cast<float>(value) : value;
  } else {
    rule(std::abs(value) < 0x1p62 && value == std::floor(value), "an integer constant needs a whole number");
    node.integer = static_cast<int64_t>(value);
    rule(node.integer == wrap(static_cast<uint64_t>(node.integer), scalar), "a constant outside its type");
  }
  return make(std::move(node));
}

Expr variable(std::string name, ValueType type) {
  rule(!name.empty() && type.lanes >= 1, "a variable needs a name and a positive number of lanes");
  ExprNode node{.kind = ExprKind::variable, .type = type};
  node.variable = std::move(name);
  return make(std::move(node));
}

Expr batch() { return variable("N"); }
Expr task() { return variable("task"); }
Expr threads() { return variable("threads"); }

Expr unary(Unary op, Expr a) {
  const Scalar scalar = a->type.scalar;
  if (op == Unary::neg) {
    rule(is_arithmetic(scalar), "negation takes i32, i64, f32 or f64: cast first");
    if (is_constant(a) && !is_float(scalar)) {
      return integer(wrap(-static_cast<uint64_t>(a->integer), scalar), a->type);
    }
  } else {
    rule(is_float(scalar), "sqrt, exp, log, floor, tanh and erf take real numbers");
    const bool single = op == Unary::tanh || op == Unary::erf;
    rule(!single || scalar == Scalar::f32, "tanh and erf take f32");
  }
  ExprNode node{.kind = ExprKind::unary, .type = a->type};
  node.unary = op;
  node.operands = {std::move(a)};
  return make(std::move(node));
}

Expr binary(Binary op, Expr a, Expr b) {
  expect_type(b, a->type, "the second operand");
  const ValueType type = a->type;
  check_operands(op, type);
  const ValueType result{is_comparison(op) ? Scalar::boolean : type.scalar, type.lanes};
  if (!is_float(type.scalar)) {
    if (is_constant(a) && is_constant(b))
      return integer(fold(op, a->integer, b->integer, type.scalar), result);
    if (is_constant(a) && (commutes(op) || is_logic(op))) std::swap(a, b);
    if (is_constant(b)) {
      if (Expr simple = simplified(op, a, b)) return simple;
    }
  }
  ExprNode node{.kind = ExprKind::binary, .type = result};
  node.binary = op;
  node.operands = {std::move(a), std::move(b)};
  return make(std::move(node));
}

Expr fma(Expr a, Expr b, Expr c) {
  rule(is_float(a->type.scalar), "fma takes f32 or f64");
  expect_type(b, a->type, "the second operand of fma");
  expect_type(c, a->type, "the third operand of fma");
  ExprNode node{.kind = ExprKind::fma, .type = a->type};
  node.operands = {std::move(a), std::move(b), std::move(c)};
  return make(std::move(node));
}

Expr dot_pairs(Expr a, Expr b, Expr c) {
  rule(c->type.scalar == Scalar::f32, "dot_pairs adds to f32");
  expect_type(a, {Scalar::bf16, 2 * c->type.lanes}, "the first operand of dot_pairs");
  if (b->type.lanes != 2) expect_type(b, a->type, "the second operand of dot_pairs");
  rule(b->type.scalar == Scalar::bf16, "the second operand of dot_pairs is bf16");
  ExprNode node{.kind = ExprKind::dot_pairs, .type = c->type};
  node.operands = {std::move(a), std::move(b), std::move(c)};
  return make(std::move(node));
}

Expr select(Expr condition, Expr yes, Expr no) {
  expect_type(condition, {Scalar::boolean, yes->type.lanes}, "the condition of select");
  expect_type(no, yes->type, "the third operand of select");
  if (is_constant(condition)) return condition->integer != 0 ? yes : no;
  ExprNode node{.kind = ExprKind::select, .type = yes->type};
  node.operands = {std::move(condition), std::move(yes), std::move(no)};
  return make(std::move(node));
}

Expr cast(Expr a, Scalar to) {
  const Scalar from = a->type.scalar;
  if (from == to) return a;
  rule(to != Scalar::boolean, "compare instead of casting to boolean");
  // What is stored only comes from the type that it is computed in, and becomes that.
  if (const Scalar wide = contract::compute_type(to); wide != to && from != wide)
    return cast(cast(std::move(a), wide), to);
  if (const Scalar wide = contract::compute_type(from); wide != from && to != wide)
    return cast(cast(std::move(a), wide), to);
  const ValueType type{to, a->type.lanes};
  if (is_constant(a) && contract::compute_type(to) == to) {
    if (!is_float(from) && !is_float(to)) return integer(wrap(static_cast<uint64_t>(a->integer), to), type);
    const double value = is_float(from) ? a->real : static_cast<double>(a->integer);
    return constant(to, is_float(to) ? value : std::trunc(value), type.lanes);
  }
  ExprNode node{.kind = ExprKind::cast, .type = type};
  node.operands = {std::move(a)};
  return make(std::move(node));
}

Expr broadcast(Expr a, int lanes) {
  rule(a->type.lanes == 1, "broadcast takes a scalar");
  rule(lanes >= 1, "broadcast needs a positive number of lanes");
  if (lanes == 1) return a;
  ExprNode node = *a;
  if (is_constant(a)) {
    node.type.lanes = lanes;
    return make(std::move(node));
  }
  node = {.kind = ExprKind::broadcast, .type = {a->type.scalar, lanes}};
  node.operands = {std::move(a)};
  return make(std::move(node));
}

Expr spread(Expr a, int group, int index) {
  rule(group >= 1 && a->type.lanes % group == 0, "spread takes whole groups of lanes");
  rule(index >= 0 && index < group, "spread takes an element of the group");
  if (group == 1) return a;
  ExprNode node{.kind = ExprKind::spread, .type = a->type};
  node.integer = index;
  node.group = group;
  node.operands = {std::move(a)};
  return make(std::move(node));
}

Expr interleave(Expr a, Expr b, int half) {
  expect_type(b, a->type, "the second operand of interleave");
  rule(a->type.lanes % 2 == 0, "interleave takes an even number of lanes");
  rule(half == 0 || half == 1, "interleave takes one of two halves");
  ExprNode node{.kind = ExprKind::interleave, .type = a->type};
  node.integer = half;
  node.operands = {std::move(a), std::move(b)};
  return make(std::move(node));
}

Expr zip(Expr a, Expr b) {
  expect_type(b, a->type, "the second operand of zip");
  ExprNode node{.kind = ExprKind::zip, .type = {a->type.scalar, 2 * a->type.lanes}};
  node.operands = {std::move(a), std::move(b)};
  return make(std::move(node));
}

Expr mask(Expr a, Expr count) {
  rule(a->type.lanes > 1, "mask takes a vector");
  expect_type(count, {Scalar::i64, 1}, "the count of mask");
  if (count->kind == ExprKind::constant && count->integer >= a->type.lanes) return a;
  ExprNode node{.kind = ExprKind::mask, .type = a->type};
  node.operands = {std::move(a), std::move(count)};
  return make(std::move(node));
}

Expr ramp(Expr first, int64_t step, int lanes) {
  expect_type(first, {Scalar::i32, 1}, "the first element of ramp");
  rule(lanes >= 1 && step == wrap(static_cast<uint64_t>(step), Scalar::i32),
       "ramp takes lanes and an i32 step");
  if (lanes == 1) return first;
  ExprNode node{.kind = ExprKind::ramp, .type = {Scalar::i32, lanes}};
  node.integer = step;
  node.operands = {std::move(first)};
  return make(std::move(node));
}

Expr random(Expr key, Expr stream, Expr counter) {
  const ValueType type{Scalar::i32, counter->type.lanes};
  expect_type(key, type, "the key of random");
  expect_type(stream, type, "the stream of random");
  expect_type(counter, type, "the counter of random");
  ExprNode node{.kind = ExprKind::random, .type = type};
  node.operands = {std::move(key), std::move(stream), std::move(counter)};
  return make(std::move(node));
}

Expr reduce(Reduce op, Expr a) {
  rule(is_arithmetic(a->type.scalar), "a reduction takes i32, i64, f32 or f64: cast first");
  rule(std::has_single_bit(static_cast<unsigned>(a->type.lanes)),
       "a reduction takes a power of two of lanes");
  if (a->type.lanes == 1) return a;
  ExprNode node{.kind = ExprKind::reduce, .type = {a->type.scalar, 1}};
  node.reduce = op;
  node.operands = {std::move(a)};
  return make(std::move(node));
}

Expr load(MemoryRef memory, std::vector<Expr> index) {
  return load(std::move(memory), std::move(index), 1, -1);
}

Expr load(MemoryRef memory, std::vector<Expr> index, int lanes, int lane_dim, Expr valid) {
  ExprNode node{.kind = ExprKind::load};
  node.lane_dim = check_access(memory, index, lanes, lane_dim);
  node.type = {memory->scalar, lanes};
  node.valid = checked_valid(std::move(valid), lanes);
  node.operands = std::move(index);
  node.memory = std::move(memory);
  return make(std::move(node));
}

Expr operator+(Expr a, Expr b) { return binary(Binary::add, std::move(a), std::move(b)); }
Expr operator-(Expr a, Expr b) { return binary(Binary::sub, std::move(a), std::move(b)); }
Expr operator*(Expr a, Expr b) { return binary(Binary::mul, std::move(a), std::move(b)); }
Expr operator/(Expr a, Expr b) { return binary(Binary::div, std::move(a), std::move(b)); }
Expr operator%(Expr a, Expr b) { return binary(Binary::mod, std::move(a), std::move(b)); }
Expr min(Expr a, Expr b) { return binary(Binary::min, std::move(a), std::move(b)); }
Expr max(Expr a, Expr b) { return binary(Binary::max, std::move(a), std::move(b)); }
Expr less(Expr a, Expr b) { return binary(Binary::lt, std::move(a), std::move(b)); }
Expr less_equal(Expr a, Expr b) { return binary(Binary::le, std::move(a), std::move(b)); }
Expr both(Expr a, Expr b) { return binary(Binary::logic_and, std::move(a), std::move(b)); }

}  // namespace rnc::loops
