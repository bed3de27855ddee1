#include "runtime/task/thumbnail.h"

#include <algorithm>
#include <cmath>

#include "runtime/data/decode/encode_png.h"

namespace rnrun {

namespace {

constexpr int64_t kLargest = 128;

}  // namespace

std::string thumbnail(Image image) {
  const ImageShape shape = image.shape;
  const int64_t largest = std::max(shape.height, shape.width);
  if (largest > kLargest) {
    const int64_t height = std::max<int64_t>(1, shape.height * kLargest / largest);
    const int64_t width = std::max<int64_t>(1, shape.width * kLargest / largest);
    resize(image, {0, 0, shape.height, shape.width}, height, width, {0, 0, height, width});
  }
  return png_uri(image.shape, image.pixels);
}

Image picture_in(const std::byte* values, DType dtype, const ImageShape& shape, int64_t index) {
  Image image{shape, std::vector<uint8_t>(static_cast<size_t>(shape.bytes()))};
  const int64_t first = index * shape.bytes();
  if (dtype == DType::u8) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(values) + first;
    std::copy_n(bytes, shape.bytes(), image.pixels.begin());
  } else {
    const auto* reals = reinterpret_cast<const float*>(values) + first;
    std::transform(reals, reals + shape.bytes(), image.pixels.begin(), [](float v) {
      return static_cast<uint8_t>(std::lround(255 * std::clamp(std::isnan(v) ? 0.0f : v, 0.0f, 1.0f)));
    });
  }
  return image;
}

}  // namespace rnrun
