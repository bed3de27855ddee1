#include "runtime/data/augment.h"

#include <algorithm>
#include <cmath>

namespace rnrun {

namespace {

constexpr uint8_t kGrey = 128;

double uniform(Random& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random.uniform());
}

// Uniform in 0..last.
int64_t up_to(Random& random, int64_t last) {
  return static_cast<int64_t>(random.below(static_cast<uint32_t>(last + 1)));
}

// As torchvision's RandomResizedCrop.get_params.
Box random_part(const ImageShape& s, Random& random) {
  const auto height = static_cast<double>(s.height);
  const auto width = static_cast<double>(s.width);
  constexpr double kNarrow = 3.0 / 4;
  constexpr double kWide = 4.0 / 3;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = height * width * uniform(random, 0.08, 1);
    const double ratio = std::exp(uniform(random, std::log(kNarrow), std::log(kWide)));
    const int64_t w = std::llrint(std::sqrt(area * ratio));
    const int64_t h = std::llrint(std::sqrt(area / ratio));
    if (w < 1 || w > s.width || h < 1 || h > s.height) continue;
    const int64_t top = up_to(random, s.height - h);
    const int64_t left = up_to(random, s.width - w);
    return {top, left, h, w};
  }
  // The largest part in the middle with an allowed ratio.
  int64_t w = s.width;
  int64_t h = s.height;
  if (width / height < kNarrow) h = std::llrint(width / kNarrow);
  if (width / height > kWide) w = std::llrint(height * kWide);
  return {(s.height - h) / 2, (s.width - w) / 2, h, w};
}

// Moves the image by so many pixels; what comes in is black.
void shift(Image& image, int64_t down, int64_t right) {
  const auto [channels, height, width] = image.shape;
  std::vector<uint8_t> moved(image.pixels.size());
  const int64_t first = std::clamp<int64_t>(right, 0, width);
  const int64_t count = width - std::min(std::abs(right), width);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = std::max<int64_t>(down, 0); y < std::min(height, height + down); ++y) {
      const int64_t from = (c * height + y - down) * width + first - right;
      std::copy_n(image.pixels.begin() + from, count, moved.begin() + (c * height + y) * width + first);
    }
  image.pixels = std::move(moved);
}

void mirror(Image& image) {
  const int64_t width = image.shape.width;
  for (auto row = image.pixels.begin(); row != image.pixels.end(); row += width)
    std::reverse(row, row + width);
}

void cut_out(Image& image, int64_t side, Random& random) {
  const auto [channels, height, width] = image.shape;
  const int64_t top = up_to(random, height - 1) - side / 2;
  const int64_t left = up_to(random, width - 1) - side / 2;
  const int64_t first = std::max<int64_t>(left, 0);
  const int64_t last = std::min(left + side, width);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = std::max<int64_t>(top, 0); y < std::min(top + side, height); ++y) {
      uint8_t* row = image.pixels.data() + (c * height + y) * width;
      std::fill(row + first, row + last, kGrey);
    }
}

}  // namespace

Random sample_random(std::string_view purpose, uint64_t seed, int64_t epoch, int64_t index) {
  return {seed, stream_of(purpose) + (static_cast<uint64_t>(epoch) << 32) + static_cast<uint64_t>(index)};
}

void augment(Image& image, const ImageShape& shape, const Augmentation& a, Random random,
             const std::string& name) {
  convert_channels(image, shape.channels, name);
  if (a.random_resized_crop)
    resize(image, random_part(image.shape, random), shape.height, shape.width,
           {0, 0, shape.height, shape.width});
  else
    fit(image, shape, name);
  if (a.random_crop > 0) {
    const int64_t down = a.random_crop - up_to(random, 2 * a.random_crop);
    shift(image, down, a.random_crop - up_to(random, 2 * a.random_crop));
  }
  if (a.hflip > 0 && static_cast<double>(random.uniform()) < a.hflip) mirror(image);
  if (a.cutout > 0) cut_out(image, a.cutout, random);
}

}  // namespace rnrun
