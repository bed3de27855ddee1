#include "runtime/task/regression/number_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/task/thumbnail.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

constexpr size_t kMostPoints = 2000;
constexpr size_t kMostNumbers = 16;  // of a sample that are shown

std::vector<float> first_of(std::span<const float> numbers) {
  return {numbers.begin(), numbers.begin() + static_cast<int64_t>(std::min(numbers.size(), kMostNumbers))};
}

}  // namespace

void NumberFindings::add(std::span<const uint32_t> indices, const BoundEntry& entry, const Batch& batch) {
  const auto each = static_cast<size_t>(place_.elements());
  const std::span targets = batch.as<float>(place_.target_place, place_.elements());
  const std::span predictions(entry.output<float>(place_.prediction), targets.size());
  absolute_.resize(each);
  for (size_t i = 0; i < indices.size(); ++i) {
    const std::span target = targets.subspan(i * each, each),
                    prediction = predictions.subspan(i * each, each);
    double error = 0;
    for (size_t k = 0; k < each; ++k) {
      const double off = std::abs(static_cast<double>(prediction[k]) - target[k]);
      absolute_[k] += off;
      error += off / static_cast<double>(each);
    }
    if (scatter_.size() < kMostPoints) scatter_.emplace_back(target[0], prediction[0]);
    note({static_cast<int64_t>(indices[i]), error, first_of(target), first_of(prediction), {}}, batch,
         static_cast<int64_t>(i));
    ++samples_;
  }
}

void NumberFindings::note(Sample sample, const Batch& batch, int64_t place_in_batch) {
  const auto place =
      std::ranges::find_if(worst_, [&](const Sample& other) { return sample.error > other.error; });
  if (place == worst_.end() && worst_.size() >= most_) return;
  if (place_.sample)
    sample.picture =
        picture_in(batch.values[0], place_.sample->dtype, place_.sample->picture(), place_in_batch);
  worst_.insert(place, std::move(sample));
  if (worst_.size() > most_) worst_.pop_back();
}

ordered_json NumberFindings::report(int64_t epoch) const {
  ordered_json worst = ordered_json::array();
  for (const Sample& s : worst_) {
    worst.push_back(
        {{"index", s.index}, {"error", s.error}, {"target", s.target}, {"prediction", s.prediction}});
    if (!s.picture.pixels.empty()) worst.back()["image"] = thumbnail(s.picture);
  }
  return {{"epoch", epoch}, {"samples", samples_}, {"scatter", scatter_}, {"worst", worst}};
}

std::string NumberFindings::text(const std::vector<std::string>&) const {
  if (absolute_.size() < 2 || absolute_.size() > kMostNumbers || samples_ == 0) return {};
  std::string text = "\nnumber  MAE\n";
  for (size_t k = 0; k < absolute_.size(); ++k)
    text += fmt::format("{:>6}  {:.4f}\n", k, absolute_[k] / static_cast<double>(samples_));
  return text;
}

ordered_json NumberFindings::json(const std::vector<std::string>&) const {
  ordered_json each = ordered_json::array();
  for (const double sum : absolute_) each.push_back(samples_ > 0 ? sum / static_cast<double>(samples_) : 0);
  return {{"mae_by_number", each}};
}

}  // namespace rnrun
