#include "runtime/task/images/similarity.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace rnrun {

namespace {

constexpr double kMostDecibels = 100;
constexpr int64_t kWindow = 11;
constexpr double kSigma = 1.5;

std::vector<double> gaussian(int64_t size) {
  std::vector<double> weights;
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double d = static_cast<double>(i) - static_cast<double>(size - 1) / 2;
    sum += weights.emplace_back(std::exp(-d * d / (2 * kSigma * kSigma)));
  }
  for (double& w : weights) w /= sum;
  return weights;
}

struct Plane {
  std::vector<double> values;
  int64_t height, width;
};

// Weighted means where the window fits.
Plane blurred(const Plane& in, const std::vector<double>& rows, const std::vector<double>& columns) {
  const auto kh = static_cast<int64_t>(rows.size()), kw = static_cast<int64_t>(columns.size());
  Plane across{{}, in.height, in.width - kw + 1}, out{{}, in.height - kh + 1, across.width};
  for (int64_t y = 0; y < across.height; ++y)
    for (int64_t x = 0; x < across.width; ++x) {
      double sum = 0;
      for (int64_t k = 0; k < kw; ++k)
        sum += columns[static_cast<size_t>(k)] * in.values[static_cast<size_t>(y * in.width + x + k)];
      across.values.push_back(sum);
    }
  for (int64_t y = 0; y < out.height; ++y)
    for (int64_t x = 0; x < out.width; ++x) {
      double sum = 0;
      for (int64_t k = 0; k < kh; ++k)
        sum += rows[static_cast<size_t>(k)] * across.values[static_cast<size_t>((y + k) * across.width + x)];
      out.values.push_back(sum);
    }
  return out;
}

double ssim(std::span<const float> a, std::span<const float> b, int64_t height, int64_t width) {
  constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
  const std::vector<double> rows = gaussian(std::min(kWindow, height)),
                            columns = gaussian(std::min(kWindow, width));
  const auto mean = [&](auto product) {
    Plane plane{{}, height, width};
    for (size_t i = 0; i < a.size(); ++i)
      plane.values.push_back(product(static_cast<double>(a[i]), static_cast<double>(b[i])));
    return blurred(plane, rows, columns).values;
  };
  const auto ma = mean([](double x, double) { return x; }), mb = mean([](double, double y) { return y; });
  const auto aa = mean([](double x, double) { return x * x; }),
             bb = mean([](double, double y) { return y * y; });
  const auto ab = mean([](double x, double y) { return x * y; });
  double sum = 0;
  for (size_t i = 0; i < ma.size(); ++i) {
    const double covariance = ab[i] - ma[i] * mb[i];
    const double variances = aa[i] - ma[i] * ma[i] + bb[i] - mb[i] * mb[i];
    sum += (2 * ma[i] * mb[i] + c1) * (2 * covariance + c2) /
           ((ma[i] * ma[i] + mb[i] * mb[i] + c1) * (variances + c2));
  }
  return sum / static_cast<double>(ma.size());
}

}  // namespace

double psnr(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::fmin(kMostDecibels, -10 * std::log10(sum / static_cast<double>(a.size())));
}

double ssim(std::span<const float> a, std::span<const float> b, int64_t channels, int64_t height,
            int64_t width) {
  const auto area = static_cast<size_t>(height * width);
  double sum = 0;
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c)
    sum += ssim(a.subspan(c * area, area), b.subspan(c * area, area), height, width);
  return sum / static_cast<double>(channels);
}

}  // namespace rnrun
