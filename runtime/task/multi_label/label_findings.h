// What an evaluation of labels that are there or not finds out: each label's figures, and the threshold that would do
// best.
#pragma once

#include <vector>

#include "runtime/task/head.h"

namespace rnrun {

class LabelFindings : public Findings {
 public:
  explicit LabelFindings(HeadPlace place) : place_(std::move(place)) {}
  void add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) override;
  // {"epoch", "samples", "threshold", "f1_at_threshold", "labels": [{"samples", "average_precision", "f1"}]}; F1 of labels
  // is at that threshold, a probability.
  nlohmann::ordered_json report(int64_t epoch) const override;
  std::string text(const std::vector<std::string>& class_names) const override;
  nlohmann::ordered_json json(const std::vector<std::string>& class_names) const override;

 private:
  nlohmann::ordered_json found() const;

  HeadPlace place_;
  std::vector<float> kept_;  // see Scores
};

}  // namespace rnrun
