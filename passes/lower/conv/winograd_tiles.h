// The tiles of maps as Winograd's kernels visit them, and how their squares of pixels are loaded.
#pragma once

#include <functional>

#include "passes/lower/conv/winograd_transforms.h"
#include "passes/lower/fused_input.h"

namespace rnc {

// What a walk over maps, row of tiles by row of tiles, comes to a few tiles later: row `row` of the map that
// is `maps` maps on. So far ahead its pixels are asked for.
struct Ahead {
  loops::Expr maps, row;
};

// Visits the tiles of a map: row, column, and what comes later in this column.
using VisitTile = std::function<void(Body&, loops::Expr th, loops::Expr tw, const Ahead&)>;
void each_tile(Body& body, int64_t rows, int64_t columns, const VisitTile& visit);

// A tile of m x m pixels of a map of one block of channels. Where the condition `exists` does not hold, all
// of it reads as zero.
struct TilePlace {
  loops::Expr n, cb, th, tw;
  loops::Expr exists;
};

// Loads the square of (size x size) vectors around the tile `at`: the tile, and size - m pixels more, half of
// them on either side. What is outside the map reads as zero. `use` is called twice, for squares inside the
// map and for others. Asks for the pixels of the tile `ahead`.
void winograd_load(Body& body, const FusedInput& input, int m, int size, const TilePlace& at,
                   const TilePlace& ahead, const std::function<void(Body&, const Vectors&)>& use);

// The first pixel of each of the tile's rows and columns in turn.
void each_pixel(int m, const TilePlace& tile, const std::function<void(loops::Expr h, loops::Expr w)>& visit);

}  // namespace rnc
