// The tiles of maps as Winograd's kernels visit them, and how their squares of pixels are loaded.
#pragma once

#include <functional>

#include "passes/lower/conv/winograd/transforms.h"
#include "passes/lower/fused_input.h"

namespace rnc {

// What a walk over maps, row of tiles by row of tiles, comes to a few tiles later: row `row` of the map that
// is `maps` maps on. So far ahead its pixels are asked for.
struct Ahead {
  loops::Expr maps, row;
};

// Visits the tiles of a map: row, column, and what comes later in this column.
using VisitTile = std::function<void(Body&, loops::Expr th, loops::Expr tw, const Ahead&)>;
void each_tile(Body& body, const loops::Expr& rows, int64_t columns, const VisitTile& visit);

// A tile of m x m pixels of a map of one block of channels.
struct TilePlace {
  loops::Expr n, cb, th, tw;
};

// Column `j` of a square of vectors, from top to bottom.
using Column = std::function<Vectors(Body&, const loops::Expr& j)>;

// Gives the columns of the tile's square of pixels, twice: for squares inside the map and for others, where
// what is outside reads as zero. Asks for the pixels of the tile `ahead`.
void winograd_load(Body& body, const FusedInput& input, const TilePixels& pixels, const TilePlace& at,
                   const TilePlace& ahead, const std::function<void(Body&, const Column&)>& use);

// Applies a transform along both axes of a square of `size` x `size` vectors, which makes it one of `result`
// x `result`, and hands out its rows. Unlike winograd_2d it loops over columns and rows, so that the code
// stays in the first-level cache; in between the square lies in memory.
void transform_square(Body& body, const Filtering& f, Transform transform, int size, int result,
                      const Column& column,
                      const std::function<void(Body&, const loops::Expr& i, const Vectors& row)>& use);

// The pixels that belong to the tile, not to those around it.
void each_pixel(int64_t step, const TilePlace& tile,
                const std::function<void(loops::Expr h, loops::Expr w)>& visit);

}  // namespace rnc
