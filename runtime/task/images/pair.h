// A predicted image and the one it should be.
#pragma once

#include <vector>

#include "runtime/task/head.h"

namespace rnrun {

// With values from 0 to 1; predictions beyond are cut off.
struct Pair {
  std::vector<float> prediction, target;
};
Pair pair_of(const HeadPlace& place, const BoundEntry& entry, const Batch& batch, int64_t index);

// The target in the prediction's range.
std::vector<float> target_of(const HeadPlace& place, const Batch& batch, int64_t index);

}  // namespace rnrun
