// Small pictures for reports.
#pragma once

#include <span>
#include <string>

#include "runtime/data/sample.h"

namespace rnrun {

// As a data: URI, at most 128 pixels along the longer side.
std::string thumbnail(Image image);

// What a batch has of a picture of this shape at `index`, of u8 or of f32 from 0 to 1, as a picture of bytes.
Image picture_in(const std::byte* values, DType dtype, const ImageShape& shape, int64_t index);

}  // namespace rnrun
