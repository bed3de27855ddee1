#include "runtime/measure/fma_peak.h"

#include <algorithm>
#include <atomic>

#include "runtime/model/profile.h"

namespace rnrun {

namespace {

// Enough independent chains for any core: 4 cycles of latency, 2 or 4 started per cycle.
constexpr int kChains = 12;
constexpr int64_t kIterations = 1 << 22;
constexpr int kRuns = 12;

// Runs kIterations times kChains dependent FMAs, returns something that depends on all.
using Kernel = float (*)(float seed);

struct Variant {
  Kernel kernel;
  int lanes;
};

// The chains in vectors of so many lanes, compiled for CPUs with these features: a table's row for each.
#define RNRUN_FMA_KERNEL(name, lanes, features)                                       \
  features float name(float seed) {                                                   \
    using Vector [[gnu::vector_size(sizeof(float) * (lanes))]] = float;               \
    const Vector a = Vector{} + seed;                                                 \
    const Vector b = Vector{} + (1 - seed);                                           \
    Vector x[kChains];                                                                \
    for (int i = 0; i < kChains; ++i) x[i] = a * static_cast<float>(i);               \
    for (int64_t n = 0; n < kIterations; ++n)                                         \
      _Pragma("GCC unroll 12") for (int i = 0; i < kChains; ++i) x[i] = x[i] * a + b; \
    for (int i = 1; i < kChains; ++i) x[0] += x[i];                                   \
    return x[0][0];                                                                   \
  }

#if defined(__x86_64__)
RNRUN_FMA_KERNEL(kernel_avx512, 16, [[gnu::target("avx512f")]])
RNRUN_FMA_KERNEL(kernel_avx2, 8, [[gnu::target("avx2,fma")]])
RNRUN_FMA_KERNEL(kernel_baseline, 4, )

Variant variant_for(const Model& model) {
  if (model.uses_feature("avx512f")) return {kernel_avx512, 16};
  if (model.uses_feature("fma")) return {kernel_avx2, 8};
  return {kernel_baseline, 4};
}
#else
RNRUN_FMA_KERNEL(kernel_baseline, 4, )

Variant variant_for(const Model&) { return {kernel_baseline, 4}; }
#endif

}  // namespace

double measure_fma_peak(ThreadPool& pool, const Model& model) {
  const Variant variant = variant_for(model);
  std::atomic<float> keep = 0;  // so that the work cannot be left out
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = Clock::now();
    pool.for_each(pool.threads(), [&](int64_t) { keep = variant.kernel(0.5f); });
    const double flops = 2.0 * kIterations * kChains * variant.lanes * pool.threads();
    best = std::max(best, flops / seconds_between(start, Clock::now()));
  }
  return best;
}

}  // namespace rnrun
