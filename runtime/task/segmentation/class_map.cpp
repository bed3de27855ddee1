#include "runtime/task/segmentation/class_map.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace rnrun {

std::vector<int32_t> class_map(std::span<const float> scores, int64_t classes) {
  const size_t area = scores.size() / static_cast<size_t>(classes);
  std::vector<int32_t> map(area);
  std::vector<float> best(scores.begin(), scores.begin() + static_cast<int64_t>(area));
  for (int32_t k = 1; k < classes; ++k) {
    const std::span plane = scores.subspan(static_cast<size_t>(k) * area, area);
    for (size_t i = 0; i < area; ++i) {
      if (!(plane[i] > best[i]) && !(std::isnan(plane[i]) && !std::isnan(best[i]))) continue;
      best[i] = plane[i];
      map[i] = k;
    }
  }
  return map;
}

std::vector<int64_t> largest(std::span<const float> shares, size_t count) {
  std::vector<int64_t> places(shares.size());
  std::iota(places.begin(), places.end(), 0);
  const auto share = [&](int64_t k) { return shares[static_cast<size_t>(k)]; };
  std::ranges::stable_sort(places, std::greater{}, share);
  places.erase(std::ranges::find_if(places, [&](int64_t k) { return share(k) <= 0; }), places.end());
  places.resize(std::min(places.size(), count));
  return places;
}

double ClassPixels::iou(size_t k) const {
  const double united = sums_[classes_ + k] + sums_[2 * classes_ + k] - sums_[k];
  return united > 0 ? sums_[k] / united : std::numeric_limits<double>::quiet_NaN();
}

double ClassPixels::mean_iou() const {
  double sum = 0, seen = 0;
  for (size_t k = 0; k < classes_; ++k) {
    if (std::isnan(iou(k))) continue;
    sum += iou(k);
    ++seen;
  }
  return seen > 0 ? sum / seen : 0;
}

double ClassPixels::accuracy() const {
  double right = 0, all = 0;
  for (size_t k = 0; k < classes_; ++k) {
    right += intersection(k);
    all += labelled(k);
  }
  return all > 0 ? right / all : 0;
}

void count_pixels(std::span<double> sums, std::span<const int32_t> labels, std::span<const int32_t> predicted,
                  std::optional<int32_t> ignored) {
  const size_t classes = sums.size() / ClassPixels::kNames.size();
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == ignored) continue;
    const auto label = static_cast<size_t>(labels[i]), said = static_cast<size_t>(predicted[i]);
    if (label == said) ++sums[label];
    ++sums[classes + label];
    ++sums[2 * classes + said];
  }
}

}  // namespace rnrun
