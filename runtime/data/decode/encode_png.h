// Pictures as PNG files, for reports.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/data/image.h"

namespace rnrun {

// An image as a PNG file, and as "data:image/png;base64,...". Channels: 1 (grey) or 3 (RGB); of others the
// first.
std::string png_file(const ImageShape& shape, std::span<const uint8_t> pixels);
std::string png_uri(const ImageShape& shape, std::span<const uint8_t> pixels);

}  // namespace rnrun
