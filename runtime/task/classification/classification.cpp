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

class Classification : public Task {
 public:
  // `terms`: the outputs that are terms of the loss, each a figure of its own.
  Classification(std::vector<Input> inputs, std::string prediction, int64_t classes,
                 std::vector<std::string> terms)
      : Task(std::move(inputs)),
        prediction_(std::move(prediction)),
        classes_(classes),
        terms_(std::move(terms)),
        metrics_(kMetrics.begin(), kMetrics.end()) {
    for (const std::string& term : terms_)
      metrics_.push_back({.key = term,
                          .name = term,
                          .title = term,
                          .progress = term,
                          .test = term,
                          .share = false,
                          .larger_is_better = false});
  }

  std::string_view name() const override { return "classification"; }
  std::span<const Metric> metrics() const override { return metrics_; }
  std::string_view own_loss_name() const override { return "cross entropy"; }
  int64_t class_count() const override { return classes_; }
  bool averages_views() const override { return true; }

  std::string summary(const Metrics& m) const override {
    return fmt::format("accuracy {:.2f} % (top-5 {:.2f} %)", 100 * value(m, 0), 100 * value(m, 1));
  }

  std::unique_ptr<Findings> findings(size_t examples) const override {
    return std::make_unique<ClassFindings>(Predictions(classes_, sample_fields().front().picture(), examples),
                                           prediction_);
  }

  Answer answer(const BoundEntry& entry, int64_t place, const AnswerOptions& options) const override {
    const std::span scores =
        all_scores(entry).subspan(static_cast<size_t>(place * classes_), static_cast<size_t>(classes_));
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

 protected:
  void count_samples(std::span<double> sums, const BoundEntry& entry, const Batch& batch) const override {
    const float* scores = entry.output<float>(prediction_);
    for (const int32_t label : labels(batch)) {
      const int64_t higher = rank({scores, static_cast<size_t>(classes_)}, label);
      sums[0] += higher < 1 ? 1 : 0;
      sums[1] += higher < 5 ? 1 : 0;
      scores += classes_;
    }
    for (size_t i = 0; i < terms_.size(); ++i)
      sums[kMetrics.size() + i] +=
          static_cast<double>(*entry.output<float>(terms_[i])) * static_cast<double>(batch.size);
  }

  // As PyTorch's cross_entropy.
  double own_loss(const BoundEntry& entry, const Batch& batch) const override {
    const float* row = entry.output<float>(prediction_);
    double sum = 0;
    for (const int32_t label : labels(batch)) {
      const double shift = *std::max_element(row, row + classes_);
      double total = 0;
      for (int64_t k = 0; k < classes_; ++k) total += std::exp(row[k] - shift);
      sum += std::log(total) - (row[label] - shift);
      row += classes_;
    }
    return sum / static_cast<double>(batch.size);
  }

 private:
  std::span<const float> all_scores(const BoundEntry& entry) const {
    return {entry.output<float>(prediction_), static_cast<size_t>(entry.max_batch() * classes_)};
  }
  static std::span<const int32_t> labels(const Batch& batch) { return batch.as<int32_t>(1, 1); }

  std::string prediction_;
  int64_t classes_;
  std::vector<std::string> terms_;
  std::vector<Metric> metrics_;  // which refer to terms_
};

}  // namespace

std::span<const Metric> classification_metrics() { return kMetrics; }

std::unique_ptr<const Task> make_classification(const Signature& s) {
  const auto labels = [](const std::vector<const rn_value*>& values, size_t most) {
    return values.size() <= most &&
           std::ranges::all_of(values, [](auto* v) { return is_batch(*v, RN_I32, 1); });
  };
  const bool images = s.samples.size() == 1 && is_batch(*s.samples[0], RN_U8, 4);
  const bool scores = s.prediction != nullptr && is_batch(*s.prediction, RN_F32, 2);
  if (s.unknown || !images || !scores || !labels(s.targets, 1) || !labels(s.others, 1)) return nullptr;
  if ((s.loss != nullptr) != (s.targets.size() == 1)) return nullptr;
  const int64_t* shape = s.samples[0]->type.dims + 1;
  int64_t classes = s.prediction->type.dims[1];
  Task::Input image{{"image", DType::u8, {shape[0], shape[1], shape[2]}}, s.samples[0]->name, ""};
  Task::Input label{{"label", DType::i32, {}, classes}, "", "", true};
  // A loss may know fewer classes than are predicted.
  for (const auto* given : {&s.targets, &s.others})
    for (const rn_value* v : *given)
      if (v->classes > 0) label.field.classes = std::min(label.field.classes, v->classes);
  if (!s.targets.empty()) label.input = s.targets[0]->name;
  if (!s.others.empty()) label.other = s.others[0]->name;
  std::vector<std::string> terms;
  for (const rn_value* term : s.terms) terms.emplace_back(term->name);
  return std::make_unique<Classification>(std::vector{std::move(image), std::move(label)}, s.prediction->name,
                                          classes, std::move(terms));
}

}  // namespace rnrun
