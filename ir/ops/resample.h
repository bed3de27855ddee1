// Maps whose elements are weighted sums of another's: resizing, and padding with what is inside. Rows and columns are
// sampled each by itself: an element is the sum over the taps of its row and of its column.
#pragma once

#include <vector>

#include "ir/graph/graph.h"

namespace rnc {

struct Tap {
  int64_t index;
  double weight;
};
// By position of the result. None: nothing of the operand is there.
using AxisTaps = std::vector<std::vector<Tap>>;

// Pillow's coefficients for shrinking or growing a line of bytes (precompute_coeffs and normalize_coeffs_8bpc of its
// Resample.c): a triangle as wide as the scale, at least one pixel, in units of 2^-22.
AxisTaps pillow_taps(int64_t from, int64_t to);

// Along height (0) or width (1), of a resize or pad, or of the gradient of one, which has the transposed taps.
AxisTaps taps_along(const Node& node, const Shape& operand, size_t dimension);

// What elements without taps are: of a pad with a constant.
double value_outside(const Node& node);

}  // namespace rnc
