#include "runtime/task/multi_label/label_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/task/multi_label/label_counts.h"

namespace rnrun {

using nlohmann::ordered_json;

void LabelFindings::add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) {
  const int64_t labels = place_.elements();
  const std::span targets = batch.as<float>(place_.target_place, labels);
  const float* scores = entry.output<float>(place_.prediction);
  for (size_t i = 0; i < indices.size(); ++i) {
    kept_.insert(kept_.end(), scores, scores + labels);
    const float* target = &targets[i * static_cast<size_t>(labels)];
    kept_.insert(kept_.end(), target, target + labels);
    scores += labels;
  }
}

ordered_json LabelFindings::found() const {
  const Scores scores(kept_, place_.elements());
  const Threshold best = best_threshold(scores);
  ordered_json labels = ordered_json::array();
  for (size_t k = 0; k < scores.labels(); ++k) {
    LabelCounts counts;
    for (size_t i = 0; i < scores.samples(); ++i)
      counts.add(scores.is(i, k), scores.score(i, k) >= best.logit);
    const double ap = average_precision(scores, k);
    labels.push_back({{"samples", static_cast<int64_t>(counts.right + counts.missed)},
                      {"average_precision", std::isnan(ap) ? ordered_json() : ordered_json(ap)},
                      {"f1", counts.f1()}});
  }
  const double probability = 1 / (1 + std::exp(-static_cast<double>(best.logit)));
  return {{"threshold", probability}, {"f1_at_threshold", best.micro_f1}, {"labels", labels}};
}

ordered_json LabelFindings::report(int64_t epoch) const {
  ordered_json json = {{"epoch", epoch}, {"samples", Scores(kept_, place_.elements()).samples()}};
  json.update(found());
  return json;
}

std::string LabelFindings::text(const std::vector<std::string>& class_names) const {
  const ordered_json all = found();
  size_t width = 5;
  for (const std::string& name : class_names) width = std::max(width, name.size());
  std::string text = fmt::format(
      "\nthe threshold with the highest micro F1, {:.2f} %, is a probability of {:.4f}\n\n"
      "      {:<{}}  samples        AP       F1\n",
      100 * all["f1_at_threshold"].get<double>(), all["threshold"].get<double>(), "label", width);
  for (size_t k = 0; k < all["labels"].size(); ++k) {
    const ordered_json& label = all["labels"][k];
    const ordered_json& ap = label["average_precision"];
    text += fmt::format(
        "{:>4}  {:<{}}  {:>7}  {}  {:>6.2f} %\n", k, class_names[k], width, label["samples"].get<int64_t>(),
        ap.is_null() ? fmt::format("{:>8}", "-") : fmt::format("{:>6.2f} %", 100 * ap.get<double>()),
        100 * label["f1"].get<double>());
  }
  return text;
}

ordered_json LabelFindings::json(const std::vector<std::string>& class_names) const {
  ordered_json all = found();
  for (size_t k = 0; k < all["labels"].size(); ++k) all["labels"][k]["label"] = class_names[k];
  return all;
}

}  // namespace rnrun
