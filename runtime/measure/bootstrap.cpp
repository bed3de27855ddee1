#include "runtime/measure/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/support/random.h"

namespace rnrun {

namespace {

constexpr int kDraws = 1000;
constexpr int kDrawsOfAll = 200;
constexpr double kOutside = 0.025;  // of the draws, at each end

// As many samples of an evaluation as it has, with replacement.
Metrics drawn(const Metrics& all, Random& random) {
  const auto samples = static_cast<size_t>(all.samples);
  const size_t sums = all.rows.size() / samples;
  Metrics metrics{.samples = all.samples, .sums = std::vector<double>(all.sums.size())};
  metrics.kept.resize(all.kept.size());
  for (size_t i = 0; i < samples; ++i) {
    const size_t sample = random.below(static_cast<uint32_t>(samples));
    for (size_t k = 0; k < sums; ++k) metrics.sums[k] += all.rows[sample * sums + k];
    for (size_t head = 0; head < all.kept.size(); ++head) {
      const auto each = static_cast<int64_t>(all.kept[head].size() / samples);
      const auto first = all.kept[head].begin() + static_cast<int64_t>(sample) * each;
      metrics.kept[head].insert(metrics.kept[head].end(), first, first + each);
    }
  }
  return metrics;
}

}  // namespace

std::optional<Interval> bootstrap(const Task& task, const Metrics& counted, size_t metric, uint64_t seed) {
  if (counted.rows.empty() || counted.samples < 2 || task.is_term(metric)) return std::nullopt;
  if (std::isnan(task.value(counted, metric))) return std::nullopt;
  const bool all = std::ranges::any_of(counted.kept, [](const auto& kept) { return !kept.empty(); });
  Random random(seed, stream_of("bootstrap"));
  std::vector<double> values;
  for (int i = 0; i < (all ? kDrawsOfAll : kDraws); ++i) {
    const double value = task.value(drawn(counted, random), metric);
    if (!std::isnan(value)) values.push_back(value);
  }
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<size_t>(std::llrint(share * static_cast<double>(values.size() - 1)))];
  };
  return Interval{at(kOutside), at(1 - kOutside)};
}

}  // namespace rnrun
