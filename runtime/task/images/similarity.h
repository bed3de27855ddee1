// How similar two pictures are.
#pragma once

#include <cstdint>
#include <span>

namespace rnrun {

// See images.h. Of one image, with values from 0 to 1.
double psnr(std::span<const float> a, std::span<const float> b);
double ssim(std::span<const float> a, std::span<const float> b, int64_t channels, int64_t height,
            int64_t width);

}  // namespace rnrun
