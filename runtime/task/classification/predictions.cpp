#include "runtime/task/classification/predictions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rnrun {

std::vector<double> softmax(std::span<const float> scores) {
  const auto largest = static_cast<double>(*std::ranges::max_element(scores));
  std::vector<double> result;
  double sum = 0;
  for (const float score : scores) {
    result.push_back(std::exp(static_cast<double>(score) - largest));
    sum += result.back();
  }
  for (double& value : result) value /= sum;
  return result;
}

std::vector<int64_t> top_classes(std::span<const float> scores, size_t count) {
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto before = [&](int64_t a, int64_t b) {
    const float x = scores[static_cast<size_t>(a)];
    const float y = scores[static_cast<size_t>(b)];
    if (std::isnan(x) != std::isnan(y)) return std::isnan(x);
    return x > y || (!(y > x) && a < b);
  };
  count = std::min(count, order.size());
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(count), before);
  order.resize(count);
  return order;
}

int64_t rank(std::span<const float> scores, int64_t label) {
  const float score = scores[static_cast<size_t>(label)];
  const auto classes = static_cast<int64_t>(scores.size());
  int64_t higher = std::isnan(score) ? classes : 0;
  for (int64_t k = 0; k < classes; ++k) {
    const float other = scores[static_cast<size_t>(k)];
    const bool ahead = other > score || std::isnan(other) || (other == score && k < label);
    if (k != label && ahead) ++higher;
  }
  return higher;
}

Predictions::Predictions(int64_t classes, ImageShape image, size_t mistakes)
    : classes_(classes), image_(image), most_(mistakes), counts_(static_cast<size_t>(classes * classes)) {}

void Predictions::add(std::span<const uint32_t> indices, const float* scores, const int32_t* labels,
                      const uint8_t* pixels) {
  for (const uint32_t index : indices) {
    const std::span<const float> row(scores, static_cast<size_t>(classes_));
    const int64_t predicted = top_classes(row, 1).front();
    const int32_t label = *labels;
    ++counts_[static_cast<size_t>(label * classes_ + predicted)];
    const double probability = softmax(row)[static_cast<size_t>(predicted)];
    calibration_.add(probability, predicted == label);
    if (predicted != label) note_mistake({index, label, predicted, probability, {}}, pixels);
    scores += classes_;
    pixels += image_.bytes();
    ++labels;
  }
}

void Predictions::note_mistake(Mistake mistake, const uint8_t* pixels) {
  const auto place = std::ranges::find_if(
      mistakes_, [&](const Mistake& other) { return mistake.confidence > other.confidence; });
  if (place == mistakes_.end() && mistakes_.size() >= most_) return;
  mistake.pixels.assign(pixels, pixels + image_.bytes());
  mistakes_.insert(place, std::move(mistake));
  if (mistakes_.size() > most_) mistakes_.pop_back();
}

int64_t Predictions::total(int64_t label) const {
  int64_t sum = 0;
  for (int64_t k = 0; k < classes_; ++k) sum += count(label, k);
  return sum;
}

double Predictions::macro_f1() const {
  double sum = 0, seen = 0;
  for (int64_t k = 0; k < classes_; ++k) {
    int64_t said = 0;
    for (int64_t label = 0; label < classes_; ++label) said += count(label, k);
    if (said + total(k) == 0) continue;
    sum += 2 * static_cast<double>(count(k, k)) / static_cast<double>(said + total(k));
    ++seen;
  }
  return seen > 0 ? sum / seen : 0;
}

}  // namespace rnrun
