// Images sharper and softer.
#pragma once

#include <cstdint>

#include "runtime/data/image.h"

namespace rnrun {

// Mixes the image with a smoothed one, as Pillow's ImageEnhance.Sharpness: factor 1 leaves it as it is, 0 gives the
// smoothed one, above 1 goes away from it. factor >= 0.
void adjust_sharpness(Image& image, double factor);

// torchvision's gaussian_blur: `size` weights (odd) in each direction, sigma > 0; beyond the border the image is
// mirrored. Rounded to the nearest.
void gaussian_blur(Image& image, int64_t size, double sigma);

}  // namespace rnrun
