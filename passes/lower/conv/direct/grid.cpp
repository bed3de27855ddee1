#include "passes/lower/conv/direct/grid.h"

#include "passes/lower/lowering.h"

namespace rnc {

bool GridAxis::always_inside() const {
  for (const int64_t q : {int64_t{0}, grid - 1}) {
    for (const int64_t t : {int64_t{0}, taps - 1}) {
      if (at(q, t) < 0 || at(q, t) >= in) return false;
    }
  }
  return true;
}

std::vector<Segment> split_row(const GridAxis& axis, int64_t limit) {
  std::vector<Segment> segments;
  const int64_t tiles = ceil_div(axis.grid, limit);
  int64_t begin = 0;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t pixels = axis.grid / tiles + (t < axis.grid % tiles ? 1 : 0);
    bool inside = true;
    for (const int64_t q : {begin, begin + pixels - 1}) {
      for (int64_t tap = 0; tap < axis.taps; ++tap)
        inside &= axis.at(q, tap) >= 0 && axis.at(q, tap) < axis.in;
    }
    Segment* last = segments.empty() ? nullptr : &segments.back();
    if (last != nullptr && last->inside && inside && last->pixels == pixels) {
      ++last->tiles;
    } else {
      segments.push_back({begin, 1, pixels, inside});
    }
    begin += pixels;
  }
  return segments;
}

}  // namespace rnc
