// The ranks that are on one machine share its CPUs and memory.
#pragma once

#include "runtime/ranks/communicator.h"

namespace rnrun {

// This rank is the `place`th of `ranks` on its machine, among those that may use the same CPUs.
struct HostShare {
  int place = 0;
  int ranks = 1;
};
HostShare host_share(const Communicator& ranks);

// Binds this process and its threads to its part of the CPUs that it may use, beside each other; where there are fewer CPUs
// than ranks, to nothing. Returns how many threads the rank should have: as many as it has CPUs, at least 1.
int take_cpus(const HostShare& share);

}  // namespace rnrun
