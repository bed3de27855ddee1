// What the ranks of a job tell each other now and then while they train or evaluate together.
#pragma once

#include <vector>

#include "runtime/ranks/communicator.h"
#include "runtime/task/metrics.h"

namespace rnrun {

struct RankNews {
  int stop = 0;                  // not 0: this rank has been asked to stop, and why
  std::vector<Metrics> counted;  // since the last news, in the order of the samples
};

// Those of all ranks: what was counted by rank, and the reason to stop of the first rank that has one.
RankNews exchange(const Communicator& ranks, const RankNews& own);

}  // namespace rnrun
