// What an evaluation of a segmentation finds out: each class's intersection over union, and the images that were least
// understood, with target and prediction laid over them.
#pragma once

#include <vector>

#include "runtime/task/head.h"

namespace rnrun {

class MapFindings : public Findings {
 public:
  MapFindings(HeadPlace place, size_t examples);
  void add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) override;
  // {"epoch", "samples", "classes": [{"iou": null if it does not occur, "labelled": share of the pixels}], "overlays":
  // [{"index", "accuracy", "image", "target", "prediction"}]}
  nlohmann::ordered_json report(int64_t epoch) const override;
  std::string text(const std::vector<std::string>& class_names) const override;
  nlohmann::ordered_json json(const std::vector<std::string>& class_names) const override;

 private:
  struct Example {
    int64_t index = 0;
    double accuracy = 0;
    Image picture;  // empty: the model takes none
    std::vector<int32_t> target, prediction;
  };
  nlohmann::ordered_json classes_json() const;

  HeadPlace place_;
  size_t most_;
  int64_t samples_ = 0;
  std::vector<double> sums_;       // of ClassPixels
  std::vector<Example> examples_;  // the least accurate first
};

}  // namespace rnrun
