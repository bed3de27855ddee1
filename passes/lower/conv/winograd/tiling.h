// How the tasks of a Winograd convolution share out the tiles of the maps.
#pragma once

#include <cstdint>

namespace rnc {

// A task has `images` whole maps, or `tile_rows` rows of tiles of one map. Tiles are counted within a unit: as many maps
// as fill a register tile together, usually one.
struct Tiling {
  int64_t tiles_h = 1, tiles_w = 1;  // of a map
  int64_t row_parts = 1, images = 1;
  int64_t unit_images = 1;
  int64_t tile_rows() const { return tiles_h / row_parts; }
  int64_t map_tiles() const { return tiles_h * tiles_w; }
  int64_t unit_tiles() const { return unit_images * tile_rows() * tiles_w; }  // of one task
  int64_t units() const { return images / unit_images; }                      // of one task
  int64_t tiles() const { return units() * unit_tiles(); }
};

// For maps of tiles_h x tiles_w tiles: about so many tiles per task as are wanted, by whole register tiles
// where maps are small.
Tiling tile_maps(int64_t tiles_h, int64_t tiles_w, int64_t wanted, int64_t register_tile);

}  // namespace rnc
