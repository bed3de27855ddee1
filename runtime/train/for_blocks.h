// Loops over arrays of floats, such as all gradients, on the threads of a pool.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/support/memory.h"
#include "runtime/support/thread_pool.h"

namespace rnrun {

inline constexpr int64_t kBlockFloats = int64_t{1} << 14;  // per task

// f(begin, count) for blocks that cover 0..size-1.
template <class F>
void for_blocks(ThreadPool& pool, size_t size, const F& f) {
  const auto floats = static_cast<int64_t>(size);
  pool.for_each((floats + kBlockFloats - 1) / kBlockFloats, [&](int64_t block) {
    const int64_t begin = block * kBlockFloats;
    f(static_cast<size_t>(begin), static_cast<size_t>(std::min(kBlockFloats, floats - begin)));
  });
}

inline std::span<float> floats_in(const Memory& memory) {
  return {reinterpret_cast<float*>(memory.data()), static_cast<size_t>(memory.size()) / sizeof(float)};
}

// Adds `values` to `sum`.
inline void add_to(ThreadPool& pool, std::span<float> sum, std::span<const float> values) {
  for_blocks(pool, sum.size(), [&](size_t begin, size_t count) {
    for (size_t i = begin; i < begin + count; ++i) sum[i] += values[i];
  });
}

}  // namespace rnrun
