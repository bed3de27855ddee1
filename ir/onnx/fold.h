// Evaluation of operators whose operands are all known. Nothing is made of more than kMostFolded elements.
#pragma once

#include <optional>
#include <vector>

#include "ir/onnx/call.h"

namespace rnc::onnx {

using Folded = std::optional<Constant>;

// The shape over which two spread, as NumPy has it; none if there is none, or if it is too large.
std::optional<std::vector<int64_t>> spread_of(const std::vector<int64_t>& a, const std::vector<int64_t>& b);
// For each element of `to`, in row-major order, the place of the one of `from` that spreads over it.
std::vector<int64_t> spread_places(const std::vector<int64_t>& from, const std::vector<int64_t>& to);
// Elements of a shape; none if they are too many, or a size is negative.
std::optional<int64_t> elements_of(const std::vector<int64_t>& shape);

// The elements at these indices along an axis; Unsupported where they are too many.
Constant taken(const Constant& x, int64_t axis, const std::vector<int64_t>& indices);

// Element by element: whole numbers by `whole`, and if one of the operands is real by `real`.
Folded fold_binary(const Constant& a, const Constant& b,
                   std::optional<Size> (*whole)(const Size&, const Size&), double (*real)(double, double));
// The same of one operand; whole numbers stay whole.
Folded fold_unary(const Constant& a, double (*real)(double));

// The rows' functions for nodes of one and of two operands.
template <auto real>
Folded fold_one(const Call& call) {
  return fold_unary(*call.constant(0), real);
}
template <std::optional<Size> (*whole)(const Size&, const Size&), auto real>
Folded fold_two(const Call& call) {
  return fold_binary(*call.constant(0), *call.constant(1), whole, real);
}

}  // namespace rnc::onnx
