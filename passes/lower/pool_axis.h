// One dimension of a pool's windows.
#pragma once

#include "ir/graph/graph.h"

namespace rnc {

struct PoolAxis {
  int64_t in, out, kernel, stride, pad, pad_after;

  // Positions [low, high) of the output whose whole window is inside the input.
  std::pair<int64_t, int64_t> interior() const {
    int64_t low = 0, high = out;
    while (low < high && low * stride - pad < 0) ++low;
    while (low < high && (high - 1) * stride - pad + kernel > in) --high;
    return {low, high};
  }
};

// Dimension i, of height and width, of `pool` with windows over values of type `large`, one for each of
// `small`.
inline PoolAxis pool_axis(const Node& pool, const Type& large, const Type& small, size_t i) {
  const auto at = [&](const char* name, size_t place) {
    return pool.attributes.get<std::vector<int64_t>>(name)[place];
  };
  return {large.shape[2 + i], small.shape[2 + i], at("kernel", i),
          at("stride", i),    at("pad", i),       at("pad", 2 + i)};
}

}  // namespace rnc
