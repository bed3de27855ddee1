// Image to image: denoising, super-resolution. Target f32[C, H, W] from 0 to 1, or u8[C, H, W] from 0 to 255, and a
// prediction f32 of the same shape and range; predictions outside the range count as its ends.
//
// psnr: 10 log10(range^2 / mean squared error), in dB, the mean over the images, each at most 100 dB; ssim: structural
// similarity (Wang et al. 2004: Gaussian window of 11 pixels and sigma 1.5, K1 = 0.01, K2 = 0.03), the mean over the
// places where the window fits, channels and images.
#pragma once

#include <memory>

#include "runtime/task/head.h"

namespace rnrun {

std::unique_ptr<const Head> make_images(HeadPlace place);

}  // namespace rnrun
