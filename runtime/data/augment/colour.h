// Images with other colours: the pixels that torchvision.transforms.functional makes of Pillow's images, exactly.
#pragma once

#include <cstdint>

#include "runtime/data/image.h"

namespace rnrun {

// Mixtures of the image with another one: factor 1 leaves it as it is, 0 gives the other, above 1 goes away from it.
// factor >= 0.
void adjust_brightness(Image& image, double factor);  // with black
void adjust_contrast(Image& image, double factor);    // with its mean grey
void adjust_saturation(Image& image,
                       double factor);  // with itself in grey; only of colour images (3 channels)
// Turns the colours of a colour image around the circle: -0.5 to 0.5.
void adjust_hue(Image& image, double turn);

void invert(Image& image);
// Keeps the upper `bits` of each pixel: 0 to 8.
void posterize(Image& image, int bits);
// Inverts the pixels from the threshold on.
void solarize(Image& image, double threshold);
// Stretches each channel to 0..255.
void autocontrast(Image& image);
// Makes all values of each channel about as frequent.
void equalize(Image& image);

// image = other + factor * (image - other), cut to 0..255. `other` has as many pixels, or those of one channel.
void blend(Image& image, const std::vector<uint8_t>& other, double factor);

}  // namespace rnrun
