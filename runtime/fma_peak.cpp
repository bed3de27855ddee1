#include "runtime/fma_peak.h"

#include <algorithm>
#include <atomic>

#include "runtime/profile.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

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

#if defined(__x86_64__)

__attribute__((target("avx512f"))) float kernel_avx512(float seed) {
  const __m512 a = _mm512_set1_ps(seed);
  const __m512 b = _mm512_set1_ps(1 - seed);
  __m512 x[kChains];
  for (int i = 0; i < kChains; ++i) x[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int64_t n = 0; n < kIterations; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) x[i] = _mm512_fmadd_ps(x[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) x[0] = _mm512_add_ps(x[0], x[i]);
  return _mm512_cvtss_f32(x[0]);
}

__attribute__((target("avx2,fma"))) float kernel_avx2(float seed) {
  const __m256 a = _mm256_set1_ps(seed);
  const __m256 b = _mm256_set1_ps(1 - seed);
  __m256 x[kChains];
  for (int i = 0; i < kChains; ++i) x[i] = _mm256_set1_ps(static_cast<float>(i));
  for (int64_t n = 0; n < kIterations; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) x[i] = _mm256_fmadd_ps(x[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) x[0] = _mm256_add_ps(x[0], x[i]);
  return _mm256_cvtss_f32(x[0]);
}

float kernel_baseline(float seed) {
  const __m128 a = _mm_set1_ps(seed);
  const __m128 b = _mm_set1_ps(1 - seed);
  __m128 x[kChains];
  for (int i = 0; i < kChains; ++i) x[i] = _mm_set1_ps(static_cast<float>(i));
  for (int64_t n = 0; n < kIterations; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) x[i] = _mm_add_ps(_mm_mul_ps(x[i], a), b);
  }
  for (int i = 1; i < kChains; ++i) x[0] = _mm_add_ps(x[0], x[i]);
  return _mm_cvtss_f32(x[0]);
}

Variant variant_for(const Model& model) {
  if (model.uses_feature("avx512f")) return {kernel_avx512, 16};
  if (model.uses_feature("fma")) return {kernel_avx2, 8};
  return {kernel_baseline, 4};
}

#elif defined(__aarch64__)

float kernel_neon(float seed) {
  const float32x4_t a = vdupq_n_f32(seed);
  const float32x4_t b = vdupq_n_f32(1 - seed);
  float32x4_t x[kChains];
  for (int i = 0; i < kChains; ++i) x[i] = vdupq_n_f32(static_cast<float>(i));
  for (int64_t n = 0; n < kIterations; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) x[i] = vfmaq_f32(b, x[i], a);
  }
  for (int i = 1; i < kChains; ++i) x[0] = vaddq_f32(x[0], x[i]);
  return vgetq_lane_f32(x[0], 0);
}

Variant variant_for(const Model&) { return {kernel_neon, 4}; }

#else

float kernel_scalar(float seed) {
  float x[kChains];
  for (int i = 0; i < kChains; ++i) x[i] = static_cast<float>(i);
  for (int64_t n = 0; n < kIterations; ++n)
    for (int i = 0; i < kChains; ++i) x[i] = x[i] * seed + (1 - seed);
  for (int i = 1; i < kChains; ++i) x[0] += x[i];
  return x[0];
}

Variant variant_for(const Model&) { return {kernel_scalar, 1}; }

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
