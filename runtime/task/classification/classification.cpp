#include "runtime/task/classification/classification.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/task/classification/class_findings.h"
#include "runtime/task/classification/predictions.h"

namespace rnrun {

namespace {

constexpr std::array<Metric, 2> kMetrics = {{{"top1", "top-1", "Top-1 accuracy", "acc1", "Acc@1"},
                                             {"top5", "top-5", "Top-5 accuracy", "acc5", "Acc@5"}}};

class Classification : public Head {
 public:
  using Head::Head;

  std::string_view kind() const override { return "classification"; }
  std::span<const Metric> metrics() const override { return kMetrics; }
  std::string_view own_loss_name() const override { return "cross entropy"; }
  int64_t class_count() const override { return place().shape[0]; }
  bool averages_views() const override { return true; }

  std::string summary(const HeadCounts& counted) const override {
    return fmt::format("accuracy {:.2f} % (top-5 {:.2f} %)", 100 * value(counted, 0),
                       100 * value(counted, 1));
  }

  std::unique_ptr<Findings> findings(size_t examples) const override {
    return std::make_unique<ClassFindings>(place(), examples);
  }

  Answer answer(const BoundEntry& entry, int64_t index, const AnswerOptions& options) const override {
    const std::span scores = prediction(entry, index);
    const std::vector<double> probabilities = softmax(scores);
    Answer answer{{}, {{"top", nlohmann::ordered_json::array()}}};
    for (const int64_t k : top_classes(scores, options.top)) {
      const std::string& name = options.class_names[static_cast<size_t>(k)];
      const double probability = probabilities[static_cast<size_t>(k)];
      answer.text += fmt::format("  {:6.2f} %  {}\n", 100 * probability, name);
      answer.json["top"].push_back({{"class", name}, {"index", k}, {"probability", probability}});
    }
    return answer;
  }

  void count(HeadSums sums, const BoundEntry& entry, const Batch& batch, int64_t index) const override {
    const int64_t higher = rank(prediction(entry, index), target<int32_t>(batch, index)[0]);
    sums.sums[0] += higher < 1 ? 1 : 0;
    sums.sums[1] += higher < 5 ? 1 : 0;
  }

  // As PyTorch's cross_entropy.
  double own_loss(const BoundEntry& entry, const Batch& batch) const override {
    const std::span labels = targets<int32_t>(batch);
    double sum = 0;
    for (int64_t i = 0; i < batch.size; ++i) {
      const std::span row = prediction(entry, i);
      const double shift = *std::ranges::max_element(row);
      double total = 0;
      for (const float score : row) total += std::exp(score - shift);
      sum += std::log(total) - (row[static_cast<size_t>(labels[static_cast<size_t>(i)])] - shift);
    }
    return sum / static_cast<double>(batch.size);
  }
};

}  // namespace

std::span<const Metric> classification_metrics() { return kMetrics; }

std::unique_ptr<const Head> make_classification(HeadPlace place) {
  return std::make_unique<Classification>(std::move(place));
}

}  // namespace rnrun
