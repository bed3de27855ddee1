#include "runtime/task/head.h"

#include <fmt/format.h>

namespace rnrun {

int64_t HeadPlace::elements() const {
  int64_t count = 1;
  for (const int64_t dim : shape) count *= dim;
  return count;
}

std::vector<std::string> Head::sums() const {
  std::vector<std::string> names;
  for (const Metric& metric : metrics()) names.emplace_back(metric.key);
  return names;
}

double Head::value(const HeadCounts& counted, size_t metric) const {
  return counted.samples == 0 ? 0 : counted.sums[metric] / static_cast<double>(counted.samples);
}

std::string Head::summary(const HeadCounts& counted) const {
  std::string text;
  for (size_t i = 0; i < metrics().size(); ++i)
    text += fmt::format("{}{} {}{}", i == 0 ? "" : ", ", metrics()[i].name,
                        metrics()[i].text(value(counted, i)), metrics()[i].share ? " %" : "");
  return text;
}

std::span<const float> Head::prediction(const BoundEntry& entry, int64_t index) const {
  return {predictions(entry) + index * place_.elements(), static_cast<size_t>(place_.elements())};
}

}  // namespace rnrun
