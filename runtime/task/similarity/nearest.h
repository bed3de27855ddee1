// The nearest other samples of each sample, by the Euclidean distance of their embeddings.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rnrun {

inline constexpr int64_t kNearest = 5;

// Samples one after the other: of each its class, a whole number, and its embedding.
class Embedded {
 public:
  Embedded(std::span<const float> rows, int64_t dimensions)
      : rows_(rows), each_(static_cast<size_t>(dimensions) + 1) {}
  size_t size() const { return rows_.size() / each_; }
  size_t dimensions() const { return each_ - 1; }
  int64_t label(size_t sample) const { return static_cast<int64_t>(rows_[sample * each_]); }
  std::span<const float> embedding(size_t sample) const {
    return rows_.subspan(sample * each_ + 1, each_ - 1);
  }

 private:
  std::span<const float> rows_;
  size_t each_;
};

struct Hits {
  int64_t others = 0;        // of the sample's class
  int64_t first = kNearest;  // which of the nearest others is the first of its class; kNearest: none
};

// For each sample. Of equal distances the one that comes first is the nearer; a distance that is no number is larger than
// all. Takes size^2 distances, on as many threads as there are CPUs; the result does not depend on them.
std::vector<Hits> nearest_hits(const Embedded& samples);

}  // namespace rnrun
