// What an evaluation of embeddings finds out: where samples lie, in a picture of two dimensions.
#pragma once

#include <vector>

#include "runtime/task/head.h"

namespace rnrun {

class EmbeddingFindings : public Findings {
 public:
  explicit EmbeddingFindings(HeadPlace place) : place_(std::move(place)) {}
  void add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) override;
  // {"epoch", "samples", "points": [[x, y, class]], "shown": s}: at most 2000 samples, evenly chosen, in the plane of the two
  // principal components, which hold the share s of the variance.
  nlohmann::ordered_json report(int64_t epoch) const override;
  // Of each class its samples and their recall at 1.
  std::string text(const std::vector<std::string>& class_names) const override;
  nlohmann::ordered_json json(const std::vector<std::string>& class_names) const override;

 private:
  struct OfClass {
    int64_t label = 0, samples = 0, hits = 0;
  };
  std::vector<OfClass> classes() const;

  HeadPlace place_;
  std::vector<float> rows_;  // see Embedded
};

}  // namespace rnrun
