#include "runtime/data/augment/mixture.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace rnrun {

namespace {

// Marsaglia and Tsang, "A simple method for generating gamma variables", 2000. shape >= 1.
double gamma_variate(double shape, Random& random) {
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = random.normal();
    const double v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    const double u = 1 - static_cast<double>(random.uniform());  // above 0
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

// Beta(alpha, alpha), a multiple of 2^-16.
double beta_variate(double alpha, Random& random) {
  // Gamma(alpha) is Gamma(alpha + 1) times u^(1/alpha); as logarithms, for a small alpha makes it underflow.
  double logs[2];
  for (double& log : logs) {
    const double u = 1 - static_cast<double>(random.uniform());
    log = std::log(gamma_variate(alpha + 1, random)) + std::log(u) / alpha;
  }
  return std::round(65536 / (1 + std::exp(logs[1] - logs[0]))) / 65536;
}

}  // namespace

double mixture_share(double alpha, Random random) { return beta_variate(alpha, random); }

void mix(uint8_t* pixels, int64_t count, int64_t bytes, double share) {
  // In place, from the back: an image's other is still as it was, but for the first's, which is kept.
  const std::vector<uint8_t> last(pixels + (count - 1) * bytes, pixels + count * bytes);
  const auto weight = static_cast<uint32_t>(std::lround(share * 65536));
  for (int64_t i = count - 1; i >= 0; --i) {
    uint8_t* image = pixels + i * bytes;
    const uint8_t* other = i > 0 ? image - bytes : last.data();
    for (int64_t p = 0; p < bytes; ++p)
      image[p] = static_cast<uint8_t>((image[p] * weight + other[p] * (65536 - weight) + 32768) >> 16);
  }
}

Box cutmix_box(const ImageShape& shape, double alpha, Random random) {
  const double half = 0.5 * std::sqrt(1 - beta_variate(alpha, random));
  const auto side = [&](int64_t length) {
    const int64_t middle = random.up_to(length - 1);
    const auto reach = static_cast<int64_t>(half * static_cast<double>(length));
    const int64_t begin = std::max<int64_t>(middle - reach, 0);
    return std::pair{begin, std::min(middle + reach, length) - begin};
  };
  const auto [left, width] = side(shape.width);
  const auto [top, height] = side(shape.height);
  return {top, left, height, width};
}

void cut_mix(uint8_t* pixels, int64_t count, const ImageShape& shape, const Box& box) {
  const std::vector<uint8_t> last(pixels + (count - 1) * shape.bytes(), pixels + count * shape.bytes());
  for (int64_t i = count - 1; i >= 0; --i) {  // from the back, as in mix
    uint8_t* image = pixels + i * shape.bytes();
    const uint8_t* other = i > 0 ? image - shape.bytes() : last.data();
    for (int64_t c = 0; c < shape.channels; ++c)
      for (int64_t y = box.top; y < box.top + box.height; ++y) {
        const int64_t row = (c * shape.height + y) * shape.width + box.left;
        std::copy_n(other + row, box.width, image + row);
      }
  }
}

double cutmix_share(const ImageShape& shape, const Box& box) {
  const auto area = [](int64_t height, int64_t width) {
    return static_cast<double>(height) * static_cast<double>(width);
  };
  return 1 - area(box.height, box.width) / area(shape.height, shape.width);
}

void take_others(const std::byte* values, int64_t count, int64_t bytes, std::byte* others) {
  std::copy_n(values, (count - 1) * bytes, others + bytes);
  std::copy_n(values + (count - 1) * bytes, bytes, others);
}

}  // namespace rnrun
