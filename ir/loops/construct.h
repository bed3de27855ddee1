// What the constructors of the loop IR share: checks of types and the folding of integer constants.
#pragma once

#include <string_view>
#include <vector>

#include "ir/loops/loops.h"

namespace rnc::loops {

inline constexpr ValueType kIndex{Scalar::i64, 1};

inline bool is_float(Scalar s) { return s == Scalar::f32 || s == Scalar::f64; }
inline bool is_constant(const Expr& e) { return e->kind == ExprKind::constant; }

Expr integer(int64_t value, ValueType type = kIndex);

// These throw BrokenRule. `what` names the operand in the message.
void rule(bool holds, std::string_view what);
void expect_type(const Expr& e, ValueType type, std::string_view what);
// The rules that loads and stores share. Returns the lane dimension: -1 for a scalar access.
int check_access(const MemoryRef& memory, const std::vector<Expr>& index, int lanes, int lane_dim);
// A bound on the lanes that bounds nothing becomes none.
Expr checked_valid(Expr valid, int lanes);

// Wraps as two's complement, as the generated code does.
int64_t wrap(uint64_t value, Scalar scalar);
int64_t fold(Binary op, int64_t a, int64_t b, Scalar scalar);
// The simpler expression that `a op b` on integers or booleans with constant b equals; empty if there is
// none.
Expr simplified(Binary op, const Expr& a, const Expr& b);

}  // namespace rnc::loops
