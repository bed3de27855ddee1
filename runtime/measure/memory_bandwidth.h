// The rate at which main memory delivers and accepts data: the limit of kernels that compute little.
#pragma once

#include "runtime/support/thread_pool.h"

namespace rnrun {

// Bytes per second, read and written together, of all threads of the pool: the faster of summing an array and
// of adding two into a third, on arrays that no cache holds (192 MiB together, less where that is more than a
// quarter of the available memory). The best of several runs, some tenths of a second in all.
double measure_memory_bandwidth(ThreadPool& pool);

}  // namespace rnrun
