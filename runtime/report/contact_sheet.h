// Many small pictures on one.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/data/image.h"

namespace rnrun {

// The pictures in rows of `columns`, on white; all have the same shape. Small ones are enlarged, pixel by pixel.
Image contact_sheet(std::span<const Image> pictures, int64_t columns);

}  // namespace rnrun
