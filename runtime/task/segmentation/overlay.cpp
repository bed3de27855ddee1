#include "runtime/task/segmentation/overlay.h"

#include <array>

namespace rnrun {

namespace {

// The bits of a class, three at a time, are the highest bits left of red, green and blue.
std::array<uint8_t, 3> colour(int32_t k) {
  std::array<uint8_t, 3> rgb{};
  for (int bit = 7; bit >= 0 && k > 0; --bit, k >>= 3)
    for (size_t c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>(rgb[c] | (k >> c & 1) << bit);
  return rgb;
}

}  // namespace

Image overlay(const Image& picture, std::span<const int32_t> classes, int64_t height, int64_t width) {
  const auto area = static_cast<size_t>(height * width);
  Image image{{3, height, width}, std::vector<uint8_t>(3 * area)};
  for (size_t c = 0; c < 3; ++c)
    for (size_t i = 0; i < area; ++i) {
      const size_t plane = picture.shape.channels >= 3 ? c : 0;
      const int grey = picture.pixels.empty() ? 0 : picture.pixels[plane * area + i];
      const bool shown = classes[i] >= 0 && classes[i] < 256;
      image.pixels[c * area + i] = static_cast<uint8_t>(shown ? (grey + colour(classes[i])[c]) / 2 : grey);
    }
  return image;
}

}  // namespace rnrun
