#include "runtime/task/segmentation/segmentation.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "runtime/task/segmentation/class_map.h"
#include "runtime/task/segmentation/map_findings.h"

namespace rnrun {

namespace {

constexpr std::array<Metric, 2> kMetrics = {
    {{"miou", "mIoU", "Mean intersection over union", "miou", "mIoU"},
     {"pixel_accuracy", "pixel accuracy", "Pixel accuracy", "acc", "Acc"}}};

class Segmentation : public Head {
 public:
  using Head::Head;

  std::string_view kind() const override { return "segmentation"; }
  std::span<const Metric> metrics() const override { return kMetrics; }
  std::string_view own_loss_name() const override { return "cross entropy"; }
  int64_t class_count() const override { return place().shape[0]; }

  std::vector<std::string> sums() const override {
    std::vector<std::string> names;
    for (const std::string_view sum : ClassPixels::kNames)
      for (int64_t k = 0; k < class_count(); ++k) names.push_back(fmt::format("{}.{}", sum, k));
    return names;
  }

  double value(const HeadCounts& counted, size_t metric) const override {
    if (counted.sums.empty()) return 0;
    const ClassPixels pixels(counted.sums);
    return metric == 0 ? pixels.mean_iou() : pixels.accuracy();
  }

  void count(HeadSums sums, const BoundEntry& entry, const Batch& batch, int64_t index) const override {
    count_pixels(sums.sums, target<int32_t>(batch, index), class_map(prediction(entry, index), class_count()),
                 place().target.ignored);
  }

  double own_loss(const BoundEntry& entry, const Batch& batch) const override {
    const std::span labels = targets<int32_t>(batch);
    const auto area = static_cast<size_t>(place().target.elements());
    const auto classes = static_cast<size_t>(class_count());
    double sum = 0, pixels = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == place().target.ignored) continue;
      const std::span scores = prediction(entry, static_cast<int64_t>(i / area));
      double shift = -INFINITY, total = 0;
      for (size_t k = 0; k < classes; ++k) shift = std::fmax(shift, scores[k * area + i % area]);
      for (size_t k = 0; k < classes; ++k) total += std::exp(scores[k * area + i % area] - shift);
      sum += std::log(total) - (scores[static_cast<size_t>(labels[i]) * area + i % area] - shift);
      ++pixels;
    }
    return sum / pixels;
  }

  std::unique_ptr<Findings> findings(size_t examples) const override {
    return std::make_unique<MapFindings>(place(), examples);
  }

  // The share of the pixels that each class takes, the largest first.
  Answer answer(const BoundEntry& entry, int64_t index, const AnswerOptions& options) const override {
    std::vector<float> shares(static_cast<size_t>(class_count()));
    const std::vector<int32_t> map = class_map(prediction(entry, index), class_count());
    for (const int32_t k : map) shares[static_cast<size_t>(k)] += 1 / static_cast<float>(map.size());
    Answer answer{{}, {{"classes", nlohmann::ordered_json::array()}}};
    for (const int64_t k : largest(shares, options.top)) {
      const std::string& name = options.class_names[static_cast<size_t>(k)];
      const float share = shares[static_cast<size_t>(k)];
      answer.text += fmt::format("  {:6.2f} % of the pixels  {}\n", 100 * share, name);
      answer.json["classes"].push_back({{"class", name}, {"index", k}, {"share", share}});
    }
    return answer;
  }
};

}  // namespace

std::unique_ptr<const Head> make_segmentation(HeadPlace place) {
  return std::make_unique<Segmentation>(std::move(place));
}

}  // namespace rnrun
