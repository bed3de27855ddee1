// Pixels taken from elsewhere in the image: exactly Pillow's Image.transform, black where nothing is.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/data/image.h"

namespace rnrun {

enum class Interpolation : uint8_t { nearest, bilinear };

// The pixel at (x, y) is taken from (a x + b y + c, d x + e y + f); the centre of the first pixel is at 0.5.
using AffineMatrix = std::array<double, 6>;
// The same from ((a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y + 1)).
using PerspectiveCoefficients = std::array<double, 8>;

// The image keeps its size; what comes from outside it is black. Of masks the nearest pixels are taken.
void warp_affine(Image& image, const AffineMatrix& matrix, Interpolation interpolation);
void warp_perspective(Image& image, const PerspectiveCoefficients& c, Interpolation interpolation);

}  // namespace rnrun
