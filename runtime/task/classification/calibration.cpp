#include "runtime/task/classification/calibration.h"

#include <algorithm>
#include <cmath>

namespace rnrun {

using nlohmann::ordered_json;

void Calibration::add(double probability, bool right) {
  const double p = std::isnan(probability) ? 0 : probability;
  const auto bin = static_cast<int64_t>(std::ceil(p * static_cast<double>(kBins))) - 1;
  Bin& b = bins_[static_cast<size_t>(std::clamp<int64_t>(bin, 0, kBins - 1))];
  ++b.samples;
  b.probability += p;
  b.right += right ? 1 : 0;
}

double Calibration::expected_error() const {
  double error = 0, samples = 0;
  for (const Bin& b : bins_) {
    error += std::abs(b.right - b.probability);
    samples += static_cast<double>(b.samples);
  }
  return samples > 0 ? error / samples : 0;
}

ordered_json Calibration::json() const {
  ordered_json bins = ordered_json::array();
  for (const Bin& b : bins_) {
    const auto mean = [&](double sum) {
      return b.samples > 0 ? ordered_json(sum / static_cast<double>(b.samples)) : ordered_json();
    };
    bins.push_back(
        {{"samples", b.samples}, {"probability", mean(b.probability)}, {"accuracy", mean(b.right)}});
  }
  return {{"expected_calibration_error", expected_error()}, {"bins", bins}};
}

}  // namespace rnrun
