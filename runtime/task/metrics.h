// How well a model does: what is counted, and how the figures made of it are called and printed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rnrun {

// One figure of a task, the same in logs, on the terminal and in reports.
struct Metric {
  std::string_view key;       // in files: "top1"
  std::string_view name;      // in a sentence: "top-1"
  std::string_view title;     // above a curve: "Top-1 accuracy"
  std::string_view progress;  // in the line of an epoch: "acc1"
  std::string_view test;      // in the line of an evaluation: "Acc@1"
  bool share = true;          // 0 to 1, printed in per cent
  bool larger_is_better = true;

  // "89.86" per cent, or "0.0312"; so many digits after the point of a percentage.
  std::string text(double value, int digits = 2) const;
  bool better(double a, double b) const { return larger_is_better ? a > b : a < b; }
};

// Sums over samples. They add up in any order but for rounding, and go on where a checkpoint has left them.
struct Metrics {
  int64_t samples = 0;
  double loss_sum = 0;
  std::vector<double> sums;  // what the task counts (Task::sums), or empty: nothing yet
  // In evaluations only, as it is no part of a checkpoint and grows with the samples: what each head keeps of every
  // sample for figures that are no sums, and every sample's part of the heads' sums.
  bool keeps = false;
  std::vector<std::vector<float>> kept;
  std::vector<double> rows;

  double loss() const { return samples == 0 ? 0 : loss_sum / static_cast<double>(samples); }
  void add(const Metrics& other);
};

// The part of one head in that, to be read,
struct HeadCounts {
  int64_t samples = 0;
  std::span<const double> sums;
  std::span<const float> kept;
};
// and to be added to.
struct HeadSums {
  std::span<double> sums;
  std::vector<float>* kept = nullptr;  // null: nothing is kept
};

}  // namespace rnrun
