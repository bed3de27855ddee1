// The grid of outputs that a direct convolution computes in register tiles, and its division into them.
#pragma once

#include <cstdint>
#include <vector>

namespace rnc {

// One axis of a grid of outputs: the output at grid position q is at q * out_step + out_phase, and its tap t
// reads the input at q * step + first + t * tap_step where that is within [0, in), with the weight of index
// tap0 + t * tap_index_step.
struct GridAxis {
  int64_t grid = 0, in = 0;
  int64_t step = 1, first = 0;
  int64_t taps = 1, tap_step = 1;
  int64_t tap0 = 0, tap_index_step = 1;
  int64_t out_step = 1, out_phase = 0;

  int64_t at(int64_t q, int64_t tap) const { return q * step + first + tap * tap_step; }
  bool always_inside() const;
};

// A run of register tiles of one width in a row of the grid.
struct Segment {
  int64_t begin = 0, tiles = 1, pixels = 1;  // first pixel; tiles one after the other
  bool inside = true;                        // every tap of every pixel reads inside the input
};

// Splits a row into tiles of at most `limit` pixels and nearly equal width; the tiles that need no trimming
// become one run.
std::vector<Segment> split_row(const GridAxis& axis, int64_t limit);

}  // namespace rnc
