// Augmentation policies: a few operations out of many, with magnitudes out of tables, which are torchvision's
// (transforms/autoaugment.py). Places between pixels are interpolated, as in torchvision's
// references/classification/presets.py. What comes into an image is black.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "runtime/data/augment/warp.h"
#include "runtime/data/image.h"
#include "runtime/support/random.h"

namespace rnrun {

enum class Operation : uint8_t {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  color,
  contrast,
  sharpness,
  posterize,
  solarize,
  autocontrast,
  equalize,
  invert,
};

// `magnitude`: of shears a tangent, of translations pixels, of rotations degrees, of brightness, color, contrast and
// sharpness the factor less 1, of posterize bits, of solarize the threshold; of others it means nothing.
void apply(Image& image, Operation operation, double magnitude, Interpolation interpolation);

// The magnitudes of an operation: `bins` of them, from `first` to `last`.
struct Magnitudes {
  Operation operation = Operation::identity;
  double first = 0;
  double last = 0;
  bool is_signed = false;  // either sign, by chance
  bool per_side = false;   // of the image's width or height
  double at(int64_t bin, int64_t bins, const ImageShape& shape) const;
};

// Those of RandAugment and, with 10 bins, of AutoAugment, which alone has invert, the last of them.
std::span<const Magnitudes> rand_augment_magnitudes();
std::span<const Magnitudes> trivial_augment_magnitudes();

// RandAugment (Cubuk et al., 2020): so many operations, each with the same magnitude, of 31.
inline constexpr int64_t kMagnitudeBins = 31;
void rand_augment(Image& image, int64_t num_ops, int64_t magnitude, Random& random);

// TrivialAugment in its wide variant (Müller and Hutter, 2021): one operation with any magnitude.
void trivial_augment_wide(Image& image, Random& random);

// AutoAugment (Cubuk et al., 2019): one of 25 pairs of operations that were found for a data set.
enum class AutoAugmentPolicy : uint8_t { imagenet, cifar10, svhn };
// Nothing for a name that is none of these.
std::optional<AutoAugmentPolicy> auto_augment_policy(std::string_view name);
void auto_augment(Image& image, AutoAugmentPolicy policy, Random& random);

}  // namespace rnrun
