#include "runtime/measure/memory_bandwidth.h"

#include <algorithm>
#include <atomic>
#include <span>

#include "runtime/model/profile.h"
#include "runtime/support/memory.h"

namespace rnrun {

namespace {

constexpr int64_t kArrayBytes = int64_t{64} << 20;
constexpr int64_t kUnit = 1024;  // floats: one thread's work is a multiple
constexpr int kCopies = 8;

// Added lane by lane, so that the compiler may use vectors.
float sum(std::span<const float> x) {
  constexpr size_t kLanes = 64;
  float lanes[kLanes] = {};
  for (size_t i = 0; i < x.size(); i += kLanes)
    for (size_t k = 0; k < kLanes; ++k) lanes[k] += x[i + k];
  float all = 0;
  for (const float lane : lanes) all += lane;
  return all;
}

void add(float* __restrict to, std::span<const float> a, const float* __restrict b) {
  for (size_t i = 0; i < a.size(); ++i) to[i] = a[i] + b[i];
}

}  // namespace

double measure_memory_bandwidth(ThreadPool& pool) {
  const int64_t available = available_memory().value_or(12 * kArrayBytes);
  const int64_t unit = kUnit * static_cast<int64_t>(sizeof(float)) * pool.threads();
  const int64_t bytes = std::max<int64_t>(std::min(kArrayBytes, available / 12) / unit, 1) * unit;
  const Memory memory[] = {
      {bytes, "measuring memory"}, {bytes, "measuring memory"}, {bytes, "measuring memory"}};
  const auto array = [&](size_t i) { return reinterpret_cast<float*>(memory[i].data()); };
  const auto count = static_cast<size_t>(bytes / unit * kUnit);  // floats of one thread
  std::atomic<float> keep = 0;                                   // so that the work cannot be left out
  const auto own = [&](size_t i, int64_t thread) { return array(i) + static_cast<size_t>(thread) * count; };

  const auto fastest = [&](int64_t moved, const auto& part) {
    double best = 0;
    for (int run = 0; run < kCopies; ++run) {
      const auto start = Clock::now();
      pool.for_each(pool.threads(), part);
      best = std::max(best, static_cast<double>(moved) / seconds_between(start, Clock::now()));
    }
    return best;
  };
  // Pages that were never written would all be the same one, in the cache.
  pool.for_each(pool.threads(), [&](int64_t thread) {
    for (const size_t i : {0, 1}) std::fill_n(own(i, thread), count, 1.0f);
  });
  const double adding = fastest(3 * bytes, [&](int64_t thread) {
    add(own(2, thread), {own(0, thread), count}, own(1, thread));
  });
  const double reading = fastest(bytes, [&](int64_t thread) { keep = sum({own(2, thread), count}); });
  return std::max(adding, reading);
}

}  // namespace rnrun
