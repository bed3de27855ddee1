// Heat maps as pictures, in the colours of matplotlib's viridis: from dark blue to yellow, ever lighter, so that those who
// do not see all colours read them just as well.
#pragma once

#include <span>

#include "runtime/data/image.h"

namespace rnrun {

// RGB, one pixel for each of the height x width values: 0 is the darkest colour, `most` the lightest. What is not a
// number is 0; all are where `most` is not above 0.
Image heat_picture(std::span<const float> values, int64_t height, int64_t width, float most);

// `picture`, grey or RGB, with as much of `heat`, which is as large, over it as `opacity` says, from 0 to 1. RGB.
Image with_heat(const Image& picture, const Image& heat, double opacity);

}  // namespace rnrun
