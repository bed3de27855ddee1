// How a step is cut into parts, each of which runs by itself and gives gradients: the batches of --accumulate, or the
// micro-batches of --micro-batches, which the ranks of a job share. Every result depends on these parts and not on who
// computes which.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/contract/abi.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

// Samples of a whole step.
int64_t step_samples(const TrainSettings& settings);
// Whether steps have several parts.
bool has_parts(const TrainSettings& settings);
// Where in a step of so many samples each part begins, and where the last one ends. Micro-batches differ by at most one
// sample; in a short step, the last of an epoch, there are fewer of them where one would be too small for `entry`.
std::vector<int64_t> part_bounds(const TrainSettings& settings, const rn_entry& entry, int64_t samples);
int64_t part_count(const TrainSettings& settings, const rn_entry& entry, int64_t samples);
// The samples of the largest part in an epoch of so many samples.
int64_t largest_part(const TrainSettings& settings, const rn_entry& entry, int64_t samples);

// Those of so many parts that are a rank's, from `begin` to `end`: in order, as many for one rank as for another but for
// one.
struct PartRange {
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const PartRange&) const = default;
};
PartRange parts_of_rank(int64_t parts, int rank, int ranks);

}  // namespace rnrun
