// Counting how well a model does.
#pragma once

#include <cstdint>

namespace rnrun {

// Sums over samples.
struct Metrics {
  int64_t samples = 0;
  double loss_sum = 0;
  int64_t top1 = 0;  // samples whose label has the highest score
  int64_t top5 = 0;  // ... one of the five highest

  double loss() const { return samples == 0 ? 0 : loss_sum / static_cast<double>(samples); }
  double top1_rate() const {
    return samples == 0 ? 0 : static_cast<double>(top1) / static_cast<double>(samples);
  }
  double top5_rate() const {
    return samples == 0 ? 0 : static_cast<double>(top5) / static_cast<double>(samples);
  }

  // Adds a batch: its mean loss, scores[batch][classes] and labels. Of equal scores the lower class counts as
  // higher; a NaN is higher than everything, so that a broken model does not look good.
  void add(int64_t batch, double mean_loss, const float* scores, int64_t classes, const int32_t* labels);
  void add(const Metrics& other);
};

}  // namespace rnrun
