#include "runtime/data/augment/filter.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/data/augment/colour.h"

namespace rnrun {

namespace {

// Pillow's ImageFilter.SMOOTH: weights 1, and 5 in the middle, by 13. Pixels at the border stay as they are.
std::vector<uint8_t> smooth(const Image& image) {
  const auto [channels, height, width] = image.shape;
  std::vector<uint8_t> result = image.pixels;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 1; y < height - 1; ++y)
      for (int64_t x = 1; x < width - 1; ++x) {
        const int64_t at = (c * height + y) * width + x;
        const uint8_t* p = image.pixels.data() + at;
        int sum = 4 * *p;
        for (const int64_t row : {-width, int64_t{0}, width}) sum += p[row - 1] + p[row] + p[row + 1];
        result[static_cast<size_t>(at)] = static_cast<uint8_t>((2 * sum + 13) / 26);
      }
  return result;
}

std::vector<double> gaussian(int64_t size, double sigma) {
  std::vector<double> weights;
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double distance = (static_cast<double>(i) - static_cast<double>(size - 1) / 2) / sigma;
    weights.push_back(std::exp(-0.5 * distance * distance));
    sum += weights.back();
  }
  for (double& w : weights) w /= sum;
  return weights;
}

// Where a line of `length` pixels that is mirrored at its ends, which are not repeated, has its pixel `i`.
int64_t mirrored(int64_t i, int64_t length) {
  if (length == 1) return 0;
  const int64_t period = 2 * (length - 1);
  i = std::abs(i) % period;
  return std::min(i, period - i);
}

// Weighted sums along a line of pixels `stride` apart.
void blur_line(const std::vector<double>& weights, const double* from, int64_t length, int64_t stride,
               double* to) {
  const auto half = static_cast<int64_t>(weights.size() / 2);
  for (int64_t i = 0; i < length; ++i) {
    double sum = 0;
    for (int64_t k = -half; k <= half; ++k)
      sum += weights[static_cast<size_t>(k + half)] * from[mirrored(i + k, length) * stride];
    to[i * stride] = sum;
  }
}

}  // namespace

void adjust_sharpness(Image& image, double factor) { blend(image, smooth(image), factor); }

void gaussian_blur(Image& image, int64_t size, double sigma) {
  const auto [channels, height, width] = image.shape;
  const std::vector<double> weights = gaussian(size, sigma);
  std::vector<double> before(image.pixels.begin(), image.pixels.end());
  std::vector<double> after(before.size());
  for (int64_t row = 0; row < channels * height; ++row)
    blur_line(weights, before.data() + row * width, width, 1, after.data() + row * width);
  before.swap(after);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t x = 0; x < width; ++x) {
      const int64_t column = c * height * width + x;
      blur_line(weights, before.data() + column, height, width, after.data() + column);
    }
  std::ranges::transform(after, image.pixels.begin(),
                         [](double v) { return static_cast<uint8_t>(std::lrint(v)); });
}

}  // namespace rnrun
