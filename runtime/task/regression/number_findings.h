// What an evaluation of a regression finds out: numbers beside those they should be, and the samples that are furthest
// off.
#pragma once

#include <vector>

#include "runtime/task/head.h"

namespace rnrun {

class NumberFindings : public Findings {
 public:
  // Shows so many of the worst samples, and as many pairs of numbers as a plot can show.
  NumberFindings(HeadPlace place, size_t examples) : place_(std::move(place)), most_(examples) {}
  void add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) override;
  // {"epoch", "samples", "scatter": [[target, prediction]], "worst": [{"index", "error", "target": [], "prediction": [],
  // "image"}]}
  nlohmann::ordered_json report(int64_t epoch) const override;
  // Per number of a sample its error, where there are several.
  std::string text(const std::vector<std::string>& class_names) const override;
  nlohmann::ordered_json json(const std::vector<std::string>& class_names) const override;

 private:
  struct Sample {
    int64_t index = 0;
    double error = 0;  // mean absolute
    std::vector<float> target, prediction;
    Image picture;
  };
  void note(Sample sample, const Batch& batch, int64_t place_in_batch);

  HeadPlace place_;
  size_t most_;
  int64_t samples_ = 0;
  std::vector<std::pair<float, float>> scatter_;
  std::vector<Sample> worst_;     // the worst first
  std::vector<double> absolute_;  // errors by number of a sample
};

}  // namespace rnrun
