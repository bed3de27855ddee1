// What an evaluation of a classifier finds out: confusions and mistakes.
#pragma once

#include <string>

#include "runtime/task/classification/predictions.h"
#include "runtime/task/head.h"

namespace rnrun {

class ClassFindings : public Findings {
 public:
  ClassFindings(HeadPlace place, size_t mistakes);
  void add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) override;
  void explain(const Look& look) override;
  nlohmann::ordered_json report(int64_t epoch) const override;
  std::string text(const std::vector<std::string>& class_names) const override;
  nlohmann::ordered_json json(const std::vector<std::string>& class_names) const override;

 private:
  HeadPlace place_;
  Predictions predictions_;
  std::vector<std::string> maps_;  // of the mistakes; none if they are not explained
};

// {"epoch", "samples", "macro_f1", "calibration": see calibration.h, "confusion": [[label, predicted, count]], "mistakes": [{"index", "label", "predicted",
// "confidence", "image": "data:image/png;...", and "map", where there are `maps`, one for each mistake}]}
nlohmann::ordered_json evaluation_json(const Predictions& predictions, int64_t epoch,
                                       std::span<const std::string> maps = {});

}  // namespace rnrun
