// Classes of pixels: from scores to classes, and counts of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace rnrun {

// Of scores[classes, H, W], the class of each pixel; of equal scores the lower, and a NaN is higher than everything.
std::vector<int32_t> class_map(std::span<const float> scores, int64_t classes);

// The places of the `count` largest shares above 0, the largest first.
std::vector<int64_t> largest(std::span<const float> shares, size_t count);

// Sums over pixels: for each class those that are and were said to be of it, those that are, those that were said to be.
class ClassPixels {
 public:
  static constexpr std::array<std::string_view, 3> kNames = {"intersection", "labelled", "predicted"};
  // Three numbers for each class.
  explicit ClassPixels(std::span<const double> sums) : sums_(sums), classes_(sums.size() / kNames.size()) {}
  size_t classes() const { return classes_; }
  double labelled(size_t k) const { return sums_[classes_ + k]; }
  double intersection(size_t k) const { return sums_[k]; }
  // NaN where the class is neither in targets nor in predictions.
  double iou(size_t k) const;
  double mean_iou() const;
  double accuracy() const;

 private:
  std::span<const double> sums_;
  size_t classes_;
};

// Adds an image's pixels to such sums.
void count_pixels(std::span<double> sums, std::span<const int32_t> labels, std::span<const int32_t> predicted,
                  std::optional<int32_t> ignored);

}  // namespace rnrun
