// Classes of pixels as colours over a picture.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/data/image.h"

namespace rnrun {

// Half the picture, half the colours of Pascal VOC's colour map; a picture without pixels is black. The classes are those
// of a map of so many rows and columns, which the picture has, too; negative ones and those from 256 on are left as they
// are.
Image overlay(const Image& picture, std::span<const int32_t> classes, int64_t height, int64_t width);

}  // namespace rnrun
