// Random changes to training images.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/data/image.h"
#include "runtime/support/random.h"

namespace rnrun {

// In the order in which they are applied.
struct Augmentation {
  // torchvision's RandomResizedCrop: a part of 8 to 100 % of the area with sides 3:4 to 4:3, scaled to the
  // model's size. Otherwise the image is made to fit as for evaluation (fit in image.h).
  bool random_resized_crop = false;
  // RandomCrop: a part of the model's size, after so many black pixels were added at each side.
  int64_t random_crop = 0;
  // RandomHorizontalFlip: the probability.
  double hflip = 0;
  // A square with this side around a random pixel becomes grey (DeVries and Taylor, "Improved regularization
  // of convolutional neural networks with cutout", 2017).
  int64_t cutout = 0;

  bool operator==(const Augmentation&) const = default;
};

// The random numbers for one purpose, of one image in one epoch: they depend on nothing else.
Random sample_random(std::string_view purpose, uint64_t seed, int64_t epoch, int64_t index);

// Makes a training image of `shape`. `name` is for the message of BadImage, when its channels do not fit.
void augment(Image& image, const ImageShape& shape, const Augmentation& augmentation, Random random,
             const std::string& name);

}  // namespace rnrun
