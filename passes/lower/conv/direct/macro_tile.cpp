#include "passes/lower/conv/direct/macro_tile.h"

#include <algorithm>

#include "passes/lower/lowering.h"

namespace rnc {

namespace {

constexpr int64_t kMinTasks = 32;  // fewer macro-tiles than this: split the batch
constexpr int64_t kMaxParts = 16;
constexpr double kImages = 16;  // the batch for which bytes are counted

}  // namespace

MacroTile choose_macro_tile(const WeightGradSizes& sizes, int64_t cache) {
  MacroTile best;
  double best_bytes = -1;
  const auto consider = [&](MacroTile tile) {
    const int64_t rows = ceil_div(sizes.panels, tile.panels), columns = ceil_div(sizes.blocks, tile.blocks);
    const int64_t held = 2 * (tile.panels * sizes.panel_pixels + tile.blocks * sizes.block_pixels) +
                         tile.panels * tile.blocks * sizes.tile;
    if (held > cache && (tile.panels > 1 || tile.blocks > 1)) return;
    tile.parts = std::clamp<int64_t>(ceil_div(kMinTasks, rows * columns), 1, kMaxParts);
    const auto pixels = static_cast<double>(rows * sizes.blocks * sizes.block_pixels +
                                            columns * sizes.panels * sizes.panel_pixels);
    const auto sums = static_cast<double>(sizes.panels * sizes.blocks * sizes.tile);
    // A part's sums are fetched to be cleared, written, and read to be added; and as nothing asks for them
    // ahead, they take twice the time of as many pixels.
    const double bytes = kImages * static_cast<double>(sizes.pixel_blocks) * pixels +
                         (tile.parts > 1 ? 6 * static_cast<double>(tile.parts) * sums : 0);
    if (best_bytes >= 0 && bytes >= best_bytes) return;
    best = tile;
    best_bytes = bytes;
  };
  for (int64_t panels = sizes.panels;; panels = ceil_div(panels, 2)) {
    for (int64_t blocks = sizes.blocks;; blocks = ceil_div(blocks, 2)) {
      consider({panels, blocks});
      if (blocks == 1) break;
    }
    if (panels == 1) break;
  }
  return best;
}

}  // namespace rnc
