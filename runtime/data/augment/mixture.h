// Mixtures of the images of a batch: mixup (Zhang et al., "mixup: beyond empirical risk minimization", 2018) and CutMix
// (Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable features", 2019), as
// torchvision's references/classification/transforms.py does them. Each image is mixed with the one before it in the
// batch, the first with the last.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/data/image.h"
#include "runtime/support/random.h"

namespace rnrun {

// The share of an image in its mixture: Beta(alpha, alpha) distributed, a multiple of 2^-16. alpha > 0.
double mixture_share(double alpha, Random random);

// Mixup of `count` images of `bytes`: share * image + (1 - share) * other, rounded to the nearest.
void mix(uint8_t* pixels, int64_t count, int64_t bytes, double share);

// The rectangle around a random pixel with the sides' part sqrt(1 - share), of Beta distributed shares; what is outside
// the image is cut off.
Box cutmix_box(const ImageShape& shape, double alpha, Random random);
// CutMix of `count` images: the other's pixels in the box.
void cut_mix(uint8_t* pixels, int64_t count, const ImageShape& shape, const Box& box);
// The part of an image's area that is its own then.
double cutmix_share(const ImageShape& shape, const Box& box);

// For each of `count` values of `bytes`, that of the image it was mixed with.
void take_others(const std::byte* values, int64_t count, int64_t bytes, std::byte* others);

}  // namespace rnrun
