// How a camera was held: the orientation in an image file's EXIF data (JEITA CP-3451, tag 0x0112).
#pragma once

#include <cstddef>
#include <span>

#include "runtime/data/image.h"

namespace rnrun {

// 1 (as it is) to 8, of a JPEG, PNG or WebP file or of what it begins with; 1 where there is none or it makes no sense.
// That of a TIFF file is part of how it is decoded.
int exif_orientation(std::span<const std::byte> file);

// Turns and mirrors an image of this orientation so that it stands upright, as Pillow's ImageOps.exif_transpose does.
void orient(Image& image, int orientation);

}  // namespace rnrun
