#include "runtime/task/multi_label/multi_label.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

#include "runtime/support/error.h"
#include "runtime/task/classification/predictions.h"
#include "runtime/task/multi_label/label_counts.h"
#include "runtime/task/multi_label/label_findings.h"

namespace rnrun {

namespace {

constexpr std::array<Metric, 3> kMetrics = {{{"mean_ap", "mAP", "Mean average precision", "mAP", "mAP"},
                                             {"micro_f1", "micro F1", "Micro F1", "f1", "F1"},
                                             {"macro_f1", "macro F1", "Macro F1", "macro_f1", "macro-F1"}}};
constexpr std::array<std::string_view, 3> kCounts = {"right", "wrong", "missed"};

class MultiLabel : public Head {
 public:
  using Head::Head;

  std::string_view kind() const override { return "multi_label"; }
  std::span<const Metric> metrics() const override { return kMetrics; }
  bool averages_views() const override { return true; }
  std::string_view own_loss_name() const override { return "binary cross entropy"; }
  int64_t class_count() const override { return place().elements(); }

  std::vector<std::string> sums() const override {
    std::vector<std::string> names;
    for (int64_t k = 0; k < class_count(); ++k)
      for (const std::string_view count : kCounts) names.push_back(fmt::format("{}.{}", count, k));
    return names;
  }

  double value(const HeadCounts& counted, size_t metric) const override {
    if (metric == 0)
      return counted.kept.empty() ? std::numeric_limits<double>::quiet_NaN()
                                  : mean_average_precision({counted.kept, class_count()});
    LabelCounts all;
    double macro = 0;
    for (size_t k = 0; k + kCounts.size() <= counted.sums.size(); k += kCounts.size()) {
      const LabelCounts one{counted.sums[k], counted.sums[k + 1], counted.sums[k + 2]};
      macro += one.f1() / static_cast<double>(class_count());
      all = {all.right + one.right, all.wrong + one.wrong, all.missed + one.missed};
    }
    return metric == 1 ? all.f1() : macro;
  }

  void count(HeadSums sums, const BoundEntry& entry, const Batch& batch, int64_t index) const override {
    const std::span scores = prediction(entry, index), wanted = target<float>(batch, index);
    for (size_t k = 0; k < scores.size(); ++k) {
      if (wanted[k] != 0 && wanted[k] != 1)
        throw Error(fmt::format("'{}' has the value {}: labels are there or not, 1 or 0", place().target.name,
                                wanted[k]));
      LabelCounts one;
      one.add(wanted[k] > 0.5F, scores[k] >= 0);
      double* sum = &sums.sums[k * kCounts.size()];
      sum[0] += one.right;
      sum[1] += one.wrong;
      sum[2] += one.missed;
    }
    if (sums.kept == nullptr) return;
    sums.kept->insert(sums.kept->end(), scores.begin(), scores.end());
    sums.kept->insert(sums.kept->end(), wanted.begin(), wanted.end());
  }

  // As PyTorch's binary_cross_entropy_with_logits.
  double own_loss(const BoundEntry& entry, const Batch& batch) const override {
    const std::span wanted = targets<float>(batch);
    const float* scores = predictions(entry);
    double sum = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const double x = scores[i];
      sum += std::fmax(x, 0) - x * wanted[i] + std::log1p(std::exp(-std::abs(x)));
    }
    return sum / static_cast<double>(wanted.size());
  }

  std::unique_ptr<Findings> findings(size_t) const override {
    return std::make_unique<LabelFindings>(place());
  }

  // The likeliest labels, however unlikely they are.
  Answer answer(const BoundEntry& entry, int64_t index, const AnswerOptions& options) const override {
    const std::span scores = prediction(entry, index);
    Answer answer{{}, {{"labels", nlohmann::ordered_json::array()}}};
    for (const int64_t k : top_classes(scores, options.top)) {
      const std::string& name = options.class_names[static_cast<size_t>(k)];
      const double probability = 1 / (1 + std::exp(-static_cast<double>(scores[static_cast<size_t>(k)])));
      answer.text += fmt::format("  {:6.2f} %  {}\n", 100 * probability, name);
      answer.json["labels"].push_back({{"label", name}, {"index", k}, {"probability", probability}});
    }
    return answer;
  }
};

}  // namespace

std::unique_ptr<const Head> make_multi_label(HeadPlace place) {
  return std::make_unique<MultiLabel>(std::move(place));
}

}  // namespace rnrun
