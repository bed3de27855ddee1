#include "runtime/data/mixup.h"

#include <algorithm>
#include <cmath>
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

}  // namespace

double mixup_share(double alpha, Random random) {
  // Gamma(alpha) is Gamma(alpha + 1) times u^(1/alpha); as logarithms, for a small alpha makes it underflow.
  double logs[2];
  for (double& log : logs) {
    const double u = 1 - static_cast<double>(random.uniform());
    log = std::log(gamma_variate(alpha + 1, random)) + std::log(u) / alpha;
  }
  return std::round(65536 / (1 + std::exp(logs[1] - logs[0]))) / 65536;
}

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

void take_others(const std::byte* values, int64_t count, int64_t bytes, std::byte* others) {
  std::copy_n(values, (count - 1) * bytes, others + bytes);
  std::copy_n(values + (count - 1) * bytes, bytes, others);
}

}  // namespace rnrun
