// How a direct weight gradient is divided into tasks: it is a matrix product whose long dimension is the pixels of the
// batch, and the division decides how often each of them comes from memory.
#pragma once

#include <cstdint>

namespace rnc {

// What a task computes: the products of `panels` panels of outputs with `blocks` blocks of inputs, one block
// of pixels after the other, in one of `parts` parts of the batch.
struct MacroTile {
  int64_t panels = 1, blocks = 1, parts = 1;
};

struct WeightGradSizes {
  int64_t panels = 1, blocks = 1;  // of the whole gradient
  int64_t pixel_blocks = 1;        // per image
  // Bytes of one block of pixels: of dy for a panel, and of x for a block of inputs.
  int64_t panel_pixels = 0, block_pixels = 0;
  int64_t tile = 0;  // bytes of the gradient for one panel and block
};

// The macro-tile that brings the fewest bytes into a second-level cache of `cache` bytes: there this block of
// pixels of x and dy stays, the next one arrives, and the gradient's macro-tile stays. All of x comes again
// for every row of macro-tiles and all of dy for every column, and the parts of the batch, of which there are
// as many as make tasks enough, are added in memory. Depends on sizes only, not on threads.
MacroTile choose_macro_tile(const WeightGradSizes& sizes, int64_t cache);

}  // namespace rnc
