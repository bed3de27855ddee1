// Mixup (Zhang et al., "mixup: beyond empirical risk minimization", 2018), as torchvision's train.py does it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/support/random.h"

namespace rnrun {

// The share of an image in its mixture: Beta(alpha, alpha) distributed, a multiple of 2^-16. alpha > 0.
double mixup_share(double alpha, Random random);

// Mixes each of `count` images of `bytes` with the one before it, the first with the last: share * image +
// (1 - share) * other, rounded to the nearest.
void mix(uint8_t* pixels, int64_t count, int64_t bytes, double share);
// For each of `count` values of `bytes`, that of the image it was mixed with.
void take_others(const std::byte* values, int64_t count, int64_t bytes, std::byte* others);

}  // namespace rnrun
