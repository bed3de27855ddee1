// The machine's peak of single-precision fused multiply-adds: the yardstick of rnrun bench.
#pragma once

#include "runtime/model/model.h"
#include "runtime/support/thread_pool.h"

namespace rnrun {

// FLOP/s (an FMA is two) of all threads of the pool together, in the widest vectors that the model's code may
// use: AVX-512, AVX2 with FMA, or the baseline (separate multiply and add where it has no FMA). The best of
// several short runs, about a tenth of a second in all.
double measure_fma_peak(ThreadPool& pool, const Model& model);

}  // namespace rnrun
