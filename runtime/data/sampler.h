// In what order an epoch goes through the samples of a data set.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/data/dataset.h"

namespace rnrun {

// The samples of an epoch, one after the other.
struct EpochOrder {
  std::vector<uint32_t> order;  // indices in the data set
  // Of each, how often the same sample has come before in this epoch: it is changed at random in another way each time.
  // Empty: each sample comes once.
  std::vector<uint32_t> repetitions;
};

struct SamplerOptions {
  // Each class is as likely as any other: as many samples as the data set has are drawn with replacement, as
  // torch.utils.data.WeightedRandomSampler draws them with the weights 1 / (samples of the class). Without it each sample
  // comes once, in random order.
  bool balanced = false;
  // Each sample that comes, comes so often in a row (Hoffer et al., "Augment your batch", CVPR 2020).
  int64_t repeats = 1;
};

class Sampler {
 public:
  // `fields` are those that the model takes. Throws UsageError when classes are to be balanced and there are none, or the
  // epoch would have 2^32 samples or more.
  Sampler(const Dataset& data, const std::vector<Field>& fields, SamplerOptions options);

  int64_t size() const { return samples_ * options_.repeats; }  // of an epoch
  // A function of the seed and the epoch alone.
  EpochOrder epoch(uint64_t seed, int64_t epoch) const;

 private:
  std::vector<uint32_t> draw(uint64_t seed, int64_t epoch) const;

  SamplerOptions options_;
  int64_t samples_;
  std::vector<std::vector<uint32_t>> classes_;  // balanced: the samples of each class that has some
};

// What tells the class of a sample: the field of one whole number among a number of classes. Throws UsageError, which names
// what it is wanted for, if there is none or more than one.
const Field& class_field(const std::vector<Field>& fields, std::string_view wanted_for);
// The class of every sample of a data set. Throws Error when one is not among the field's classes.
std::vector<int32_t> classes_of(const Dataset& data, const Field& field);

}  // namespace rnrun
