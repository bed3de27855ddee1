// Images moved, mirrored, turned and sheared, with the pixels that torchvision.transforms.functional has of Pillow's
// images. What comes in is black.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/data/augment/warp.h"
#include "runtime/data/image.h"

namespace rnrun {

// In pixels, x to the right, y down.
struct Point {
  double x = 0;
  double y = 0;
};

void hflip(Image& image);
void vflip(Image& image);
// Moves the image by so many pixels.
void shift(Image& image, int64_t down, int64_t right);

// Counter-clockwise, around the middle.
void rotate(Image& image, double degrees, Interpolation interpolation);

// What torchvision's affine() takes: clockwise degrees, pixels to the right and down, a factor, and degrees by which
// the axes are sheared.
struct Affine {
  double degrees = 0;
  Point translate;
  double scale = 1;  // above 0
  Point shear;
};
// Around the point `centre`, or the middle.
void affine(Image& image, const Affine& affine, Interpolation interpolation, const Point& centre);
void affine(Image& image, const Affine& affine, Interpolation interpolation);

// The corners top-left, top-right, bottom-right, bottom-left.
using Corners = std::array<Point, 4>;
// What takes the corners `from` to `to`. No three of `to` may be on a line.
PerspectiveCoefficients perspective_coefficients(const Corners& from, const Corners& to);

}  // namespace rnrun
