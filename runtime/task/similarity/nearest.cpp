#include "runtime/task/similarity/nearest.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <thread>

namespace rnrun {

namespace {

constexpr float kFar = std::numeric_limits<float>::infinity();

// In four sums, so that compilers make vectors of them.
float squared_distance(std::span<const float> a, std::span<const float> b) {
  std::array<float, 4> sums{};
  size_t i = 0;
  for (; i + 4 <= a.size(); i += 4)
    for (size_t k = 0; k < 4; ++k) {
      const float d = a[i + k] - b[i + k];
      sums[k] += d * d;
    }
  for (; i < a.size(); ++i) sums[0] += (a[i] - b[i]) * (a[i] - b[i]);
  const float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return std::isnan(sum) ? kFar : sum;
}

struct Neighbour {
  float distance = kFar;
  size_t sample = SIZE_MAX;
  bool operator<(const Neighbour& other) const {
    return distance != other.distance ? distance < other.distance : sample < other.sample;
  }
};

// Which of the nearest to `query` is the first of its class.
int64_t first_hit(const Embedded& samples, size_t query) {
  std::array<Neighbour, kNearest> nearest;  // in order
  for (size_t other = 0; other < samples.size(); ++other) {
    if (other == query) continue;
    Neighbour next{squared_distance(samples.embedding(query), samples.embedding(other)), other};
    for (Neighbour& place : nearest)
      if (next < place) std::swap(next, place);
  }
  const auto is_hit = [&](const Neighbour& n) {
    return n.sample != SIZE_MAX && samples.label(n.sample) == samples.label(query);
  };
  return std::ranges::find_if(nearest, is_hit) - nearest.begin();
}

}  // namespace

std::vector<Hits> nearest_hits(const Embedded& samples) {
  std::map<int64_t, int64_t> of_class;
  for (size_t i = 0; i < samples.size(); ++i) ++of_class[samples.label(i)];
  std::vector<Hits> hits(samples.size());
  const size_t threads = std::max<size_t>(std::thread::hardware_concurrency(), 1);
  const auto part = [&](size_t number) {
    for (size_t i = number; i < hits.size(); i += threads)
      hits[i] = {of_class.at(samples.label(i)) - 1, first_hit(samples, i)};
  };
  {
    std::vector<std::jthread> others;
    for (size_t t = 1; t < threads; ++t) others.emplace_back(part, t);
    part(0);
  }
  return hits;
}

}  // namespace rnrun
