#include "runtime/task/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace rnrun {

std::string Metric::text(double value, int digits) const {
  if (std::isnan(value)) return "-";
  return share ? fmt::format("{:.{}f}", 100 * value, digits) : fmt::format("{:.4f}", value);
}

void Metrics::add(const Metrics& other) {
  samples += other.samples;
  loss_sum += other.loss_sum;
  sums.resize(std::max(sums.size(), other.sums.size()));
  for (size_t i = 0; i < other.sums.size(); ++i) sums[i] += other.sums[i];
  rows.insert(rows.end(), other.rows.begin(), other.rows.end());
  kept.resize(std::max(kept.size(), other.kept.size()));
  for (size_t i = 0; i < other.kept.size(); ++i)
    kept[i].insert(kept[i].end(), other.kept[i].begin(), other.kept[i].end());
}

}  // namespace rnrun
