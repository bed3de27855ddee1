// Counting how well a model does, and the files that keep it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

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
};

struct EpochMetrics {
  int64_t epoch = 0;  // from 1
  int64_t step = 0;   // steps done since the beginning
  double lr = 0;
  Metrics train;
  std::optional<Metrics> test;
  double seconds = 0;  // of training in this epoch, without evaluation
  double images_per_s = 0;
};

// metrics.jsonl and metrics.csv in a directory: one line per epoch.
class MetricsLog {
 public:
  // Keeps the lines of the first `epochs` epochs that are there, so that a resumed run repeats none.
  MetricsLog(std::string directory, int64_t epochs);
  // Throws Error when it cannot be written.
  void add(const EpochMetrics& metrics) const;

 private:
  std::string jsonl_;
  std::string csv_;
};

}  // namespace rnrun
