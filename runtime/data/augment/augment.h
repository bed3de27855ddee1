// Random changes to training images.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/data/augment/policies.h"
#include "runtime/data/augment/random_transforms.h"
#include "runtime/data/image.h"
#include "runtime/support/random.h"

namespace rnrun {

struct RandAugment {
  int64_t num_ops = 0;
  int64_t magnitude = 0;
  bool operator==(const RandAugment&) const = default;
};
struct RandomPerspective {
  double distortion_scale = 0;
  double probability = 0;
  bool operator==(const RandomPerspective&) const = default;
};

// In the order in which they are applied, that of torchvision's references/classification/presets.py; see
// random_transforms.h and policies.h. Zero, false and nothing: not at all.
struct Augmentation {
  bool random_resized_crop = false;  // otherwise the image is made to fit as for evaluation (fit in image.h)
  int64_t random_crop = 0;           // the padding
  double hflip = 0;                  // the probability, as of all others where nothing else is said
  double vflip = 0;
  std::optional<AutoAugmentPolicy> auto_augment;
  RandAugment randaugment;
  bool trivial_augment = false;
  std::optional<ColorJitter> color_jitter;
  double rotation = 0;  // degrees
  std::optional<RandomAffine> random_affine;
  RandomPerspective random_perspective;
  int64_t gaussian_blur = 1;  // weights; 1: none
  double random_erasing = 0;
  int64_t cutout = 0;  // the square's side

  bool operator==(const Augmentation&) const = default;
};

// The random numbers for one purpose, of one image in one epoch: they depend on nothing else.
Random sample_random(std::string_view purpose, uint64_t seed, int64_t epoch, int64_t index);

// Makes a training image of `shape`. `name` is for the message of BadImage, when its channels do not fit.
void augment(Image& image, const ImageShape& shape, const Augmentation& augmentation, Random random,
             const std::string& name);

}  // namespace rnrun
