#include "runtime/task/similarity/similarity.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "runtime/task/similarity/embedding_findings.h"
#include "runtime/task/similarity/nearest.h"

namespace rnrun {

namespace {

constexpr std::array<Metric, 2> kMetrics = {
    {{"recall_at_1", "recall@1", "Recall at 1", "recall@1", "Recall@1"},
     {"recall_at_5", "recall@5", "Recall at 5", "recall@5", "Recall@5"}}};
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

class Similarity : public Head {
 public:
  using Head::Head;

  std::string_view kind() const override { return "similarity"; }
  std::span<const Metric> metrics() const override { return kMetrics; }
  std::vector<std::string> sums() const override { return {"at_1", "at_5", "counted"}; }
  double value(const HeadCounts& counted, size_t metric) const override {
    const bool none = counted.sums.empty() || counted.sums[2] == 0;
    return none ? kNone : counted.sums[metric] / counted.sums[2];
  }
  void count(HeadSums sums, const BoundEntry& entry, const Batch& batch, int64_t index) const override {
    if (sums.kept == nullptr) return;
    const std::span embedding = prediction(entry, index);
    sums.kept->push_back(static_cast<float>(target<int32_t>(batch, index)[0]));
    sums.kept->insert(sums.kept->end(), embedding.begin(), embedding.end());
  }
  std::vector<double> settled(std::span<const float> kept) const override {
    std::vector<double> rows;
    for (const Hits& hits : nearest_hits({kept, place().elements()})) {
      const bool counts = hits.others > 0;
      rows.push_back(counts && hits.first == 0 ? 1 : 0);
      rows.push_back(counts && hits.first < kNearest ? 1 : 0);
      rows.push_back(counts ? 1 : 0);
    }
    return rows;
  }
  std::string_view own_loss_name() const override { return "loss"; }
  double own_loss(const BoundEntry&, const Batch&) const override { return kNone; }
  std::unique_ptr<Findings> findings(size_t) const override {
    return std::make_unique<EmbeddingFindings>(place());
  }
  Answer answer(const BoundEntry& entry, int64_t index, const AnswerOptions&) const override {
    const std::span embedding = prediction(entry, index);
    Answer answer{" ", {{"embedding", embedding}}};
    for (const float value : embedding) answer.text += fmt::format(" {:.4f}", value);
    answer.text += '\n';
    return answer;
  }
};

}  // namespace

std::unique_ptr<const Head> make_similarity(HeadPlace place) {
  return std::make_unique<Similarity>(std::move(place));
}

}  // namespace rnrun
