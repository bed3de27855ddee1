// Whether a classifier is right as often as its probabilities say: Guo et al., "On calibration of modern neural networks"
// (2017). Samples are put into 15 bins of equal width by the probability of the predicted class.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace rnrun {

class Calibration {
 public:
  static constexpr size_t kBins = 15;
  // The probability of the predicted class, in (lower, upper] of its bin; NaN counts as 0.
  void add(double probability, bool right);
  // The mean over the samples of |share of right ones - mean probability| of their bin; 0 without samples.
  double expected_error() const;
  // {"expected_calibration_error", "bins": [{"samples", "probability", "accuracy"}]}, the last two null in empty bins.
  nlohmann::ordered_json json() const;

 private:
  struct Bin {
    int64_t samples = 0;
    double probability = 0, right = 0;  // sums
  };
  std::array<Bin, kBins> bins_{};
};

}  // namespace rnrun
