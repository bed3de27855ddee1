// How the operands of elementwise operations spread over the result: a scalar over everything, a vector [C] over values
// with C channels (dimension 1), and values of as many dimensions as NumPy has it, where they have one element.
#pragma once

#include <optional>

#include "ir/graph/type.h"

namespace rnc {

// Whether an operand of shape `small` spreads over a result of shape `large`.
bool spreads_over(const Shape& small, const Shape& large);
// The shape over which both spread; none if there is none.
std::optional<Shape> spread_shape(const Shape& a, const Shape& b);
// The dimensions in which an operand of as many dimensions as the result has one element and the result others.
std::vector<int64_t> spread_axes(const Shape& small, const Shape& large);

}  // namespace rnc
