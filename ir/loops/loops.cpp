// Constructors of the loop IR: they check types, fold integer constants and drop what changes nothing.
#include "ir/loops/loops.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace rnc::loops {
namespace {

bool is_float(Scalar s) { return s == Scalar::f32 || s == Scalar::f64; }
bool is_arithmetic(Scalar s) { return is_float(s) || s == Scalar::i32 || s == Scalar::i64; }
constexpr ValueType kIndex{Scalar::i64, 1};

bool is_comparison(Binary op) {
  return op == Binary::lt || op == Binary::le || op == Binary::eq || op == Binary::ne;
}
bool is_logic(Binary op) { return op == Binary::logic_and || op == Binary::logic_or; }

Expr make(ExprNode node) { return Expr(std::make_shared<const ExprNode>(std::move(node))); }
Stmt make(StmtNode node) { return std::make_shared<const StmtNode>(std::move(node)); }

Expr integer(int64_t value, ValueType type = kIndex) {
  ExprNode node{.kind = ExprKind::constant, .type = type};
  node.integer = value;
  return make(std::move(node));
}

bool is_constant(const Expr& e) { return e->kind == ExprKind::constant; }
bool is_integer(const Expr& e, int64_t value) {
  return is_constant(e) && !is_float(e->type.scalar) && e->integer == value;
}

void expect_type(const Expr& e, ValueType type, std::string_view what) {
  check(static_cast<bool>(e), what);
  if (e->type != type) {
    unreachable(fmt::format("{} has type {}, not {}: {}", what, str(e->type), str(type), print(e)));
  }
}

// Wraps as two's complement, as the generated code does.
int64_t wrap(uint64_t value, Scalar scalar) {
  switch (scalar) {
    case Scalar::u8:
      return static_cast<uint8_t>(value);
    case Scalar::i32:
      return static_cast<int32_t>(value);
    case Scalar::boolean:
      return static_cast<int64_t>(value & 1);
    default:
      return static_cast<int64_t>(value);
  }
}

int64_t fold(Binary op, int64_t a, int64_t b, Scalar scalar) {
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  switch (op) {
    case Binary::add:
      return wrap(ua + ub, scalar);
    case Binary::sub:
      return wrap(ua - ub, scalar);
    case Binary::mul:
      return wrap(ua * ub, scalar);
    case Binary::div:
      check(a >= 0 && b > 0, "integer division needs operands >= 0 and a divisor > 0");
      return a / b;
    case Binary::mod:
      check(a >= 0 && b > 0, "integer remainder needs operands >= 0 and a divisor > 0");
      return a % b;
    case Binary::min:
      return std::min(a, b);
    case Binary::max:
      return std::max(a, b);
    case Binary::lt:
      return a < b;
    case Binary::le:
      return a <= b;
    case Binary::eq:
      return a == b;
    case Binary::ne:
      return a != b;
    case Binary::logic_and:
      return a & b;
    case Binary::logic_or:
      return a | b;
  }
  unreachable("binary operation");
}

bool commutes(Binary op) {
  return op == Binary::add || op == Binary::mul || op == Binary::min || op == Binary::max;
}

// The simpler expression that `a op b` on integers or booleans with constant b equals; empty if there is
// none.
Expr simplified(Binary op, const Expr& a, const Expr& b) {
  const ValueType type = a->type;
  switch (op) {
    case Binary::add:
      if (b->integer == 0) return a;
      if (a->kind == ExprKind::binary && a->binary == Binary::add && is_constant(a->operands[1])) {
        return binary(Binary::add, a->operands[0], binary(Binary::add, a->operands[1], b));
      }
      break;
    case Binary::sub:
      if (b->integer == 0) return a;
      break;
    case Binary::mul:
      if (b->integer == 1) return a;
      if (b->integer == 0) return b;
      break;
    case Binary::div:
      check(b->integer > 0, "integer division needs a divisor > 0");
      if (b->integer == 1) return a;
      break;
    case Binary::mod:
      check(b->integer > 0, "integer remainder needs a divisor > 0");
      if (b->integer == 1) return integer(0, type);
      break;
    case Binary::logic_and:
      return b->integer != 0 ? a : b;
    case Binary::logic_or:
      return b->integer != 0 ? b : a;
    default:
      break;
  }
  return {};
}

void check_operands(Binary op, ValueType type) {
  if (is_logic(op)) {
    check(type.scalar == Scalar::boolean, "logic operations take booleans");
  } else if (op == Binary::mod) {
    check(type.scalar == Scalar::i32 || type.scalar == Scalar::i64, "a remainder takes i32 or i64");
  } else if (!is_comparison(op)) {
    check(is_arithmetic(type.scalar), "arithmetic takes i32, i64, f32 or f64: cast first");
  }
}

// The rules that loads and stores share. Returns the lane dimension: -1 for a scalar access.
int check_access(const MemoryRef& memory, const std::vector<Expr>& index, int lanes, int lane_dim) {
  check(memory != nullptr, "an access needs a memory");
  if (index.size() != memory->dims.size()) {
    unreachable(fmt::format("{} has {} dimensions, accessed by {} indices", memory->name, memory->dims.size(),
                            index.size()));
  }
  for (const Expr& i : index) expect_type(i, kIndex, "an index of " + memory->name);
  if (lanes == 1) return -1;
  check(lanes > 1, "an access needs a positive number of lanes");
  check(lane_dim >= 0 && lane_dim < static_cast<int>(index.size()),
        "a vector access needs a lane dimension of its memory");
  return lane_dim;
}

// A bound on the lanes that bounds nothing becomes none.
Expr checked_valid(Expr valid, int lanes) {
  if (!valid) return valid;
  expect_type(valid, kIndex, "the number of valid lanes");
  if (is_constant(valid) && valid->integer >= lanes) return {};
  check(lanes > 1, "only a vector access has a number of valid lanes");
  return valid;
}

}  // namespace

std::string_view name(Scalar scalar) {
  constexpr std::string_view names[] = {"u8", "i32", "i64", "f32", "f64", "boolean"};
  return names[static_cast<size_t>(scalar)];
}

int64_t bytes(Scalar scalar) {
  constexpr int64_t sizes[] = {1, 4, 8, 4, 8, 1};
  return sizes[static_cast<size_t>(scalar)];
}

Expr::Expr(int value) : Expr(static_cast<int64_t>(value)) {}
Expr::Expr(int64_t value) : Expr(integer(value)) {}

Expr constant(Scalar scalar, double value, int lanes) {
  check(lanes >= 1, "a constant needs a positive number of lanes");
  ExprNode node{.kind = ExprKind::constant, .type = {scalar, lanes}};
  if (is_float(scalar)) {
    node.real = scalar == Scalar::f32 ? static_cast<float>(value) : value;
  } else {
    check(std::abs(value) < 0x1p62 && value == std::floor(value), "an integer constant needs a whole number");
    node.integer = static_cast<int64_t>(value);
    check(node.integer == wrap(static_cast<uint64_t>(node.integer), scalar), "a constant outside its type");
  }
  return make(std::move(node));
}

Expr variable(std::string name, ValueType type) {
  check(!name.empty() && type.lanes >= 1, "a variable needs a name and a positive number of lanes");
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
    check(is_arithmetic(scalar), "negation takes i32, i64, f32 or f64: cast first");
    if (is_constant(a) && !is_float(scalar)) {
      return integer(wrap(-static_cast<uint64_t>(a->integer), scalar), a->type);
    }
  } else {
    check(is_float(scalar), "sqrt, exp, log and floor take f32 or f64");
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
  check(is_float(a->type.scalar), "fma takes f32 or f64");
  expect_type(b, a->type, "the second operand of fma");
  expect_type(c, a->type, "the third operand of fma");
  ExprNode node{.kind = ExprKind::fma, .type = a->type};
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
  check(to != Scalar::boolean, "compare instead of casting to boolean");
  const ValueType type{to, a->type.lanes};
  if (is_constant(a)) {
    if (!is_float(from) && !is_float(to)) return integer(wrap(static_cast<uint64_t>(a->integer), to), type);
    const double value = is_float(from) ? a->real : static_cast<double>(a->integer);
    return constant(to, is_float(to) ? value : std::trunc(value), type.lanes);
  }
  ExprNode node{.kind = ExprKind::cast, .type = type};
  node.operands = {std::move(a)};
  return make(std::move(node));
}

Expr broadcast(Expr a, int lanes) {
  check(a->type.lanes == 1, "broadcast takes a scalar");
  check(lanes >= 1, "broadcast needs a positive number of lanes");
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
  check(group >= 1 && a->type.lanes % group == 0, "spread takes whole groups of lanes");
  check(index >= 0 && index < group, "spread takes an element of the group");
  if (group == 1) return a;
  ExprNode node{.kind = ExprKind::spread, .type = a->type};
  node.integer = index;
  node.group = group;
  node.operands = {std::move(a)};
  return make(std::move(node));
}

Expr interleave(Expr a, Expr b, int half) {
  expect_type(b, a->type, "the second operand of interleave");
  check(a->type.lanes % 2 == 0, "interleave takes an even number of lanes");
  check(half == 0 || half == 1, "interleave takes one of two halves");
  ExprNode node{.kind = ExprKind::interleave, .type = a->type};
  node.integer = half;
  node.operands = {std::move(a), std::move(b)};
  return make(std::move(node));
}

Expr reduce(Reduce op, Expr a) {
  check(is_arithmetic(a->type.scalar), "a reduction takes i32, i64, f32 or f64: cast first");
  check(std::has_single_bit(static_cast<unsigned>(a->type.lanes)),
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

Stmt block(std::vector<Stmt> body) {
  if (body.size() == 1) return std::move(body.front());
  StmtNode node{.kind = StmtKind::block};
  node.body = std::move(body);
  return make(std::move(node));
}

Stmt for_loop(std::string variable, Expr begin, Expr end, int64_t step, std::vector<Stmt> body) {
  expect_type(begin, kIndex, "the begin of loop " + variable);
  expect_type(end, kIndex, "the end of loop " + variable);
  check(step >= 1, "a loop needs a positive step");
  StmtNode node{.kind = StmtKind::for_loop};
  node.variable = std::move(variable);
  node.begin = std::move(begin);
  node.end = std::move(end);
  node.step = step;
  node.body = std::move(body);
  return make(std::move(node));
}

Stmt unrolled(std::string variable, int64_t begin, int64_t end, int64_t step, std::vector<Stmt> body) {
  StmtNode node = *for_loop(std::move(variable), begin, end, step, std::move(body));
  node.unrolled = true;
  return make(std::move(node));
}

Stmt if_then(Expr condition, std::vector<Stmt> yes, std::vector<Stmt> no) {
  expect_type(condition, {Scalar::boolean, 1}, "the condition of if");
  if (is_constant(condition)) return block(is_integer(condition, 0) ? std::move(no) : std::move(yes));
  StmtNode node{.kind = StmtKind::if_then};
  node.value = std::move(condition);
  node.body.push_back(block(std::move(yes)));
  if (!no.empty()) node.body.push_back(block(std::move(no)));
  return make(std::move(node));
}

Stmt let(std::string variable, Expr value, std::vector<Stmt> body) {
  check(static_cast<bool>(value), "let needs a value");
  StmtNode node{.kind = StmtKind::let};
  node.variable = std::move(variable);
  node.value = std::move(value);
  node.body = std::move(body);
  return make(std::move(node));
}

Stmt alloc(MemoryRef memory, std::vector<Stmt> body) {
  check(memory && memory->space != Space::parameter, "alloc takes a register tile or scratch");
  for (const Extent& dim : memory->dims) {
    check(dim.fixed > 0 && dim.per_sample == 0, "an allocation's size may not depend on the batch");
  }
  StmtNode node{.kind = StmtKind::alloc};
  node.memory = std::move(memory);
  node.body = std::move(body);
  return make(std::move(node));
}

Stmt store(MemoryRef memory, std::vector<Expr> index, Expr value) {
  return store(std::move(memory), std::move(index), std::move(value), -1);
}

Stmt store(MemoryRef memory, std::vector<Expr> index, Expr value, int lane_dim, Expr valid) {
  check(static_cast<bool>(value), "store needs a value");
  const int lanes = value->type.lanes;
  StmtNode node{.kind = StmtKind::store};
  node.lane_dim = check_access(memory, index, lanes, lane_dim);
  expect_type(value, {memory->scalar, lanes}, "a value stored to " + memory->name);
  node.valid = checked_valid(std::move(valid), lanes);
  node.value = std::move(value);
  node.memory = std::move(memory);
  node.index = std::move(index);
  return make(std::move(node));
}

Stmt prefetch(MemoryRef memory, std::vector<Expr> index) {
  StmtNode node{.kind = StmtKind::prefetch};
  check_access(memory, index, 1, -1);
  check(memory->space == Space::parameter || memory->space == Space::scratch,
        "registers cannot be prefetched");
  node.memory = std::move(memory);
  node.index = std::move(index);
  return make(std::move(node));
}

Stmt with_comment(Stmt stmt, std::string comment) {
  StmtNode node = *stmt;
  node.comment = std::move(comment);
  return make(std::move(node));
}

Stmt with_location(Stmt stmt, SourceLocation location) {
  StmtNode node = *stmt;
  node.location = std::move(location);
  return make(std::move(node));
}

}  // namespace rnc::loops
