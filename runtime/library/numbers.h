// Numbers that callers of the library give.
#pragma once

#include <fmt/format.h>

#include <cstdint>

#include "runtime/contract/settings.h"
#include "runtime/support/error.h"
#include "runtime/support/thread_pool.h"

namespace rnrun {

// The default for 0. Throws UsageError outside 0..kMaxThreads.
inline int checked_threads(int threads) {
  if (threads < 0 || threads > kMaxThreads)
    throw UsageError(
        fmt::format("{} threads: must be 1 to {}, or 0 for as many as there are CPUs", threads, kMaxThreads));
  return threads == 0 ? default_threads() : threads;
}

// Throws UsageError outside 1..kMaxBatch.
inline int64_t checked_batch(int64_t batch) {
  if (batch < 1 || batch > contract::kMaxBatch)
    throw UsageError(fmt::format("a batch of {}: must be 1 to {}", batch, contract::kMaxBatch));
  return batch;
}

}  // namespace rnrun
