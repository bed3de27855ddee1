#include "ir/loops/construct.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rnc::loops {

Expr integer(int64_t value, ValueType type) {
  ExprNode node{.kind = ExprKind::constant, .type = type};
  node.integer = value;
  return Expr(std::make_shared<const ExprNode>(std::move(node)));
}

void rule(bool holds, std::string_view what) {
  if (!holds) throw BrokenRule(std::string(what));
}

void expect_type(const Expr& e, ValueType type, std::string_view what) {
  rule(static_cast<bool>(e), what);
  if (e->type != type) {
    throw BrokenRule(fmt::format("{} has type {}, not {}: {}", what, str(e->type), str(type), print(e)));
  }
}

int64_t stride_of(const Memory& memory, size_t dim) {
  if (dim == 0 && memory.pitch > 0) return memory.pitch;
  int64_t stride = 1;
  for (size_t d = dim + 1; d < memory.dims.size(); ++d) stride *= memory.dims[d].fixed;
  return stride;
}

int check_access(const MemoryRef& memory, const std::vector<Expr>& index, int lanes, int lane_dim) {
  rule(memory != nullptr, "an access needs a memory");
  if (index.size() != memory->dims.size()) {
    throw BrokenRule(fmt::format("{} has {} dimensions, accessed by {} indices", memory->name,
                                 memory->dims.size(), index.size()));
  }
  for (const Expr& i : index) expect_type(i, kIndex, "an index of " + memory->name);
  if (lanes == 1) return -1;
  rule(lanes > 1, "an access needs a positive number of lanes");
  rule(lane_dim >= 0 && lane_dim < static_cast<int>(index.size()),
       "a vector access needs a lane dimension of its memory");
  return lane_dim;
}

Expr checked_valid(Expr valid, int lanes) {
  if (!valid) return valid;
  expect_type(valid, kIndex, "the number of valid lanes");
  if (is_constant(valid) && valid->integer >= lanes) return {};
  rule(lanes > 1, "only a vector access has a number of valid lanes");
  return valid;
}

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
      rule(a >= 0 && b > 0, "integer division needs operands >= 0 and a divisor > 0");
      return a / b;
    case Binary::mod:
      rule(a >= 0 && b > 0, "integer remainder needs operands >= 0 and a divisor > 0");
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
      rule(b->integer > 0, "integer division needs a divisor > 0");
      if (b->integer == 1) return a;
      break;
    case Binary::mod:
      rule(b->integer > 0, "integer remainder needs a divisor > 0");
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

}  // namespace rnc::loops
