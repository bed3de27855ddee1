// A part of a data set that has none of its own, kept for validation.
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/data/dataset.h"

namespace rnrun {

// Takes `share` of the samples of each kind (Dataset::strata), rounded to the nearest, for validation, at least one where
// there are two. Which these are depends on the seed, the share and the kinds alone; both parts keep the order of the
// whole. 0 < share < 1. Throws Error when nothing would be left for one of the parts.
DataSplits split_off(std::unique_ptr<const Dataset> data, double share, uint64_t seed);

}  // namespace rnrun
