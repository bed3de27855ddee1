// How far a figure may be from the one of all samples that there could be: the percentile bootstrap (Efron 1979).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/task/task.h"

namespace rnrun {

struct Interval {
  double low = 0, high = 0;
};

// For each of the task's metrics the middle 95 % of its values over 1000 draws of as many samples, with replacement, as
// there are (200 draws where some figure takes all samples at once); from the seed alone. Nothing for terms of the loss, of
// which only batches are known, for figures that are no numbers, for evaluations that have not kept their samples, and for
// less than two samples.
std::vector<std::optional<Interval>> bootstrap(const Task& task, const Metrics& counted, uint64_t seed);

}  // namespace rnrun
