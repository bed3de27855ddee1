#include "passes/lower/conv/winograd/tiling.h"

#include <algorithm>
#include <cmath>

namespace rnc {

Tiling tile_maps(int64_t tiles_h, int64_t tiles_w, int64_t wanted, int64_t register_tile) {
  Tiling t{tiles_h, tiles_w};
  const auto distance = [&](int64_t parts) {
    return std::abs(std::log(static_cast<double>(tiles_h / parts * tiles_w) / static_cast<double>(wanted)));
  };
  for (int64_t parts = 2; parts <= tiles_h; ++parts) {
    if (tiles_h % parts == 0 && distance(parts) < distance(t.row_parts)) t.row_parts = parts;
  }
  t.unit_images = std::max<int64_t>(1, register_tile / t.map_tiles());
  t.images = std::max<int64_t>(1, wanted / (t.map_tiles() * t.unit_images)) * t.unit_images;
  return t;
}

}  // namespace rnc
