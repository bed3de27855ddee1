// What may happen to a training image by chance, each as torchvision's class of the same name draws it. To a mask happens
// what happens to its image, with the same random numbers, but for changes of colours.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/data/image.h"
#include "runtime/support/random.h"

namespace rnrun {

// RandomResizedCrop: a part of 8 to 100 % of the area with sides 3:4 to 4:3, scaled to the size.
void random_resized_crop(Image& image, int64_t height, int64_t width, Random& random);
// RandomCrop of the image's own size, after `padding` black pixels were added at each side.
void random_crop(Image& image, int64_t padding, Random& random);

// The factors of brightness, contrast and saturation are 1 - x (but not below 0) to 1 + x, the hue turns by up to `hue`
// (at most 0.5), one after the other in a random order.
struct ColorJitter {
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
  double hue = 0;
  bool operator==(const ColorJitter&) const = default;
};
void color_jitter(Image& image, const ColorJitter& jitter, Random& random);

// By up to so many degrees either way. The nearest pixels, as torchvision's default has it; so in RandomAffine.
void random_rotation(Image& image, double degrees, Random& random);

// `translate`: the largest part of the width and the height; `shear`: of the x axis, in degrees.
struct RandomAffine {
  double degrees = 0;
  double translate = 0;
  double scale_from = 1;  // above 0
  double scale_to = 1;
  double shear = 0;
  bool operator==(const RandomAffine&) const = default;
};
void random_affine(Image& image, const RandomAffine& range, Random& random);

// The corners move inwards by up to distortion_scale (0 to 1) of half the side; bilinear.
void random_perspective(Image& image, double distortion_scale, Random& random);

// GaussianBlur: sigma 0.1 to 2, `size` weights (odd).
void random_blur(Image& image, int64_t size, Random& random);

// RandomErasing (Zhong et al., "Random erasing data augmentation", 2020): a rectangle of 2 to 33 % of the area with sides
// 0.3 to 3.3 becomes grey.
void random_erasing(Image& image, Random& random);
// A square with this side around a random pixel becomes grey (DeVries and Taylor, "Improved regularization of
// convolutional neural networks with cutout", 2017).
void cutout(Image& image, int64_t side, Random& random);

}  // namespace rnrun
