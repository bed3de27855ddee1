#include "ir/ops/spread.h"

namespace rnc {

bool spreads_over(const Shape& small, const Shape& large) {
  if (small.empty()) return true;
  if (small.size() == large.size()) {
    for (size_t d = 0; d < small.size(); ++d)
      if (small[d] != large[d] && small[d] != 1) return false;
    return true;
  }
  return small.size() == 1 && large.size() >= 2 && small[0] == large[1] && small[0] != kBatch;
}

std::optional<Shape> spread_shape(const Shape& a, const Shape& b) {
  Shape shape = a.size() >= b.size() ? a : b;
  if (a.size() == b.size()) {
    for (size_t d = 0; d < shape.size(); ++d)
      if (shape[d] == 1) shape[d] = b[d];
  }
  return spreads_over(a, shape) && spreads_over(b, shape) ? std::optional(shape) : std::nullopt;
}

std::vector<int64_t> spread_axes(const Shape& small, const Shape& large) {
  std::vector<int64_t> axes;
  for (size_t d = 0; d < small.size() && small.size() == large.size(); ++d)
    if (small[d] != large[d]) axes.push_back(static_cast<int64_t>(d));
  return axes;
}

}  // namespace rnc
