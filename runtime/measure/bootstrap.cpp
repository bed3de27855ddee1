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

std::optional<Interval> middle(std::vector<double> values) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<size_t>(std::llrint(share * static_cast<double>(values.size() - 1)))];
  };
  return Interval{at(kOutside), at(1 - kOutside)};
}

}  // namespace

std::vector<std::optional<Interval>> bootstrap(const Task& task, const Metrics& counted, uint64_t seed) {
  const size_t metrics = task.metrics().size();
  std::vector<std::optional<Interval>> intervals(metrics);
  if (counted.rows.empty() || counted.samples < 2) return intervals;
  const bool all = std::ranges::any_of(counted.kept, [](const auto& kept) { return !kept.empty(); });
  Random random(seed, stream_of("bootstrap"));
  std::vector<std::vector<double>> values(metrics);
  for (int i = 0; i < (all ? kDrawsOfAll : kDraws); ++i) {
    const Metrics draw = drawn(counted, random);
    for (size_t k = 0; k < metrics; ++k) values[k].push_back(task.value(draw, k));
  }
  for (size_t k = 0; k < metrics; ++k)
    if (!task.is_term(k) && !std::isnan(task.value(counted, k))) intervals[k] = middle(std::move(values[k]));
  return intervals;
}

}  // namespace rnrun
