#include "runtime/task/regression/regression.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "runtime/task/regression/number_findings.h"

namespace rnrun {

namespace {

constexpr std::array<Metric, 3> kMetrics = {
    {{"mae", "MAE", "Mean absolute error", "mae", "MAE", false, false},
     {"rmse", "RMSE", "Root of the mean squared error", "rmse", "RMSE", false, false},
     {"r2", "R2", "Coefficient of determination", "r2", "R2", false, true}}};
constexpr int64_t kMostColumns = 64;

// Of one number of a sample, or of all.
struct Column {
  enum : size_t { absolute, square, target, target_square, kSums };
};

class Regression : public Head {
 public:
  explicit Regression(HeadPlace where)
      : Head(std::move(where)), columns_(place().elements() <= kMostColumns ? place().elements() : 1) {}

  std::string_view kind() const override { return "regression"; }
  std::span<const Metric> metrics() const override { return kMetrics; }
  bool averages_views() const override { return true; }
  std::string_view own_loss_name() const override { return "mean squared error"; }

  std::vector<std::string> sums() const override {
    std::vector<std::string> names;
    for (int64_t c = 0; c < columns_; ++c)
      for (const std::string_view sum : {"absolute", "square", "target", "target_square"})
        names.push_back(fmt::format("{}.{}", sum, c));
    return names;
  }

  double value(const HeadCounts& counted, size_t metric) const override {
    const auto n = static_cast<double>(counted.samples * (place().elements() / columns_));
    if (n == 0) return 0;
    double total = 0;
    for (size_t c = 0; c < counted.sums.size(); c += Column::kSums) {
      const std::span s = counted.sums.subspan(c, Column::kSums);
      const double spread = s[Column::target_square] - s[Column::target] * s[Column::target] / n;
      if (metric == 0) total += s[Column::absolute] / n;
      if (metric == 1) total += s[Column::square] / n;
      // As scikit-learn where all targets are equal.
      if (metric == 2) total += spread > 0 ? 1 - s[Column::square] / spread : s[Column::square] == 0 ? 1 : 0;
    }
    for (const double sum : counted.sums)
      if (std::isnan(sum)) return sum;
    const double mean = total / static_cast<double>(columns_);
    return metric == 1 ? std::sqrt(mean) : mean;
  }

  void count(HeadSums sums, const BoundEntry& entry, const Batch& batch, int64_t index) const override {
    const std::span wanted = target<float>(batch, index), said = prediction(entry, index);
    for (size_t i = 0; i < wanted.size(); ++i) {
      const double number = wanted[i], error = static_cast<double>(said[i]) - number;
      double* s = &sums.sums[i % static_cast<size_t>(columns_) * Column::kSums];
      s[Column::absolute] += std::abs(error);
      s[Column::square] += error * error;
      s[Column::target] += number;
      s[Column::target_square] += number * number;
    }
  }

  double own_loss(const BoundEntry& entry, const Batch& batch) const override {
    const std::span wanted = targets<float>(batch);
    const float* said = predictions(entry);
    double sum = 0;
    for (size_t i = 0; i < wanted.size(); ++i) sum += std::pow(static_cast<double>(said[i]) - wanted[i], 2);
    return sum / static_cast<double>(wanted.size());
  }

  std::unique_ptr<Findings> findings(size_t examples) const override {
    return std::make_unique<NumberFindings>(place(), examples);
  }

  Answer answer(const BoundEntry& entry, int64_t index, const AnswerOptions&) const override {
    Answer answer{{}, {{place().target.name, nlohmann::ordered_json::array()}}};
    for (const float number : prediction(entry, index)) {
      answer.text += fmt::format("  {}\n", number);
      answer.json[place().target.name].push_back(number);
    }
    return answer;
  }

 private:
  int64_t columns_;
};

}  // namespace

std::unique_ptr<const Head> make_regression(HeadPlace place) {
  return std::make_unique<Regression>(std::move(place));
}

}  // namespace rnrun
