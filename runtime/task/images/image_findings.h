// What an evaluation of images from images finds out: the worst ones, before, after and as they should be.
#pragma once

#include <vector>

#include "runtime/task/head.h"

namespace rnrun {

class ImageFindings : public Findings {
 public:
  ImageFindings(HeadPlace place, size_t examples) : place_(std::move(place)), most_(examples) {}
  void add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) override;
  // {"epoch", "samples", "images": [{"index", "psnr", "given", "prediction", "target"}]}
  nlohmann::ordered_json report(int64_t epoch) const override;
  std::string text(const std::vector<std::string>&) const override { return {}; }
  // {"psnr_lowest", "psnr_median"} of the images.
  nlohmann::ordered_json json(const std::vector<std::string>&) const override;

 private:
  struct Example {
    int64_t index = 0;
    double psnr = 0;
    Image given, prediction, target;
  };

  HeadPlace place_;
  size_t most_;
  std::vector<float> psnr_;        // of all
  std::vector<Example> examples_;  // the worst first
};

}  // namespace rnrun
