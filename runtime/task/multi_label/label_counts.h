// Figures of labels that are there or not, from scores.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rnrun {

// Per label: samples that have it and were said to, that were wrongly said to, and that were wrongly not said to.
struct LabelCounts {
  double right = 0, wrong = 0, missed = 0;
  void add(bool is, bool said);
  double f1() const;  // 0 where nothing is and nothing is said
};

// kept: for each sample its `labels` scores, then its `labels` targets.
class Scores {
 public:
  Scores(std::span<const float> kept, int64_t labels)
      : kept_(kept), labels_(static_cast<size_t>(labels)), samples_(kept.size() / (2 * labels_)) {}
  size_t samples() const { return samples_; }
  size_t labels() const { return labels_; }
  float score(size_t sample, size_t label) const { return kept_[2 * labels_ * sample + label]; }
  bool is(size_t sample, size_t label) const { return kept_[labels_ * (2 * sample + 1) + label] > 0.5F; }

 private:
  std::span<const float> kept_;
  size_t labels_;
  size_t samples_;
};

// The sum of precisions at each recall, weighted by its step; samples of equal scores make one step. NaN where no sample
// has the label.
double average_precision(const Scores& scores, size_t label);
// Over the labels that some sample has; NaN where there is none.
double mean_average_precision(const Scores& scores);

// Of the logits that could be the threshold, one with the highest micro F1.
struct Threshold {
  float logit = 0;
  double micro_f1 = 0;
};
Threshold best_threshold(const Scores& scores);

}  // namespace rnrun
