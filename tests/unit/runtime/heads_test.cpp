#include <doctest/doctest.h>

#include <cmath>

#include "runtime/task/images/similarity.h"
#include "runtime/task/multi_label/label_counts.h"
#include "runtime/task/segmentation/class_map.h"
#include "runtime/task/segmentation/overlay.h"
#include "runtime/task/thumbnail.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// (i * a + b) % 101 / 100
std::vector<float> numbers(int64_t count, int64_t a, int64_t b) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>((i * a + b) % 101) / 100.0F);
  return values;
}

}  // namespace

// The figures are NumPy's and PyTorch's of the same numbers, by the formulas of the papers.
TEST_CASE("similarity of images") {
  const auto a = numbers(2 * 13 * 12, 37, 5), b = numbers(2 * 13 * 12, 61, 11);
  auto near = a;
  for (float& v : near) v = 0.5F * v + 0.25F;
  CHECK(ssim(a, b, 2, 13, 12) == doctest::Approx(0.04681807591580744).epsilon(1e-6));
  CHECK(ssim(a, near, 2, 13, 12) == doctest::Approx(0.8015792278530647).epsilon(1e-6));
  CHECK(ssim(a, a, 2, 13, 12) == doctest::Approx(1));
  CHECK(psnr(a, b) == doctest::Approx(7.57900755156537).epsilon(1e-6));
  CHECK(psnr(a, a) == 100);
  const std::vector<float> pixel{0.5F};
  CHECK(ssim(pixel, pixel, 1, 1, 1) == doctest::Approx(1));
}

TEST_CASE("labels that are there or not") {
  constexpr int64_t kLabels = 3, kSamples = 12;
  std::vector<float> scores = numbers(kSamples * kLabels, 29, 3), is = numbers(kSamples * kLabels, 53, 7),
                     kept;
  for (float& s : scores) s = s * 8 - 4;
  for (int64_t k = 0; k < kLabels; ++k)
    scores[static_cast<size_t>(3 * kLabels + k)] = scores[static_cast<size_t>(4 * kLabels + k)];
  for (int64_t i = 0; i < kSamples; ++i) {
    for (int64_t k = 0; k < kLabels; ++k) kept.push_back(scores[static_cast<size_t>(i * kLabels + k)]);
    for (int64_t k = 0; k < kLabels; ++k)
      kept.push_back(is[static_cast<size_t>(i * kLabels + k)] > 0.55F ? 1.0F : 0.0F);
  }
  const Scores all(kept, kLabels);
  CHECK(all.samples() == 12);
  CHECK(average_precision(all, 0) == doctest::Approx(0.7311111111111112));
  CHECK(average_precision(all, 1) == doctest::Approx(0.4805194805194805));
  CHECK(average_precision(all, 2) == doctest::Approx(0.7203703703703703));
  CHECK(mean_average_precision(all) == doctest::Approx(0.6440003206669873));
  const Threshold best = best_threshold(all);
  CHECK(best.micro_f1 == doctest::Approx(0.6538461538461539));
  CHECK(best.logit == doctest::Approx(-3.68));
  LabelCounts counts;
  for (size_t i = 0; i < all.samples(); ++i) counts.add(all.is(i, 1), all.score(i, 1) >= 0);
  CHECK(counts.f1() == doctest::Approx(0.36363636));
  CHECK(LabelCounts{}.f1() == 0);
  CHECK(std::isnan(mean_average_precision({std::vector<float>{1, 0}, 1})));
}

TEST_CASE("classes of pixels") {
  const float nan = NAN;
  // Of three classes and four pixels.
  const std::vector<float> scores{1, 5, 0, 0, 1, 2, nan, 1, 0, 2, 9, 1};
  CHECK(class_map(scores, 3) == std::vector<int32_t>{0, 0, 1, 1});
  std::vector<double> sums(9);
  count_pixels(sums, std::vector<int32_t>{0, 2, 1, 255}, std::vector<int32_t>{0, 0, 1, 1}, 255);
  const ClassPixels pixels(sums);
  CHECK(pixels.iou(0) == 0.5);
  CHECK(pixels.iou(1) == 1);
  CHECK(pixels.iou(2) == 0);
  CHECK(pixels.mean_iou() == 0.5);
  CHECK(pixels.accuracy() == doctest::Approx(2.0 / 3));
  CHECK(std::isnan(ClassPixels(std::vector<double>(3)).iou(0)));
  CHECK(largest(std::vector<float>{0.25F, 0, 0.5F, 0.25F}, 3) == std::vector<int64_t>{2, 0, 3});
}

TEST_CASE("classes are laid over pictures in the colours of Pascal VOC") {
  const Image grey{{1, 1, 3}, {100, 200, 50}};
  const std::vector<int32_t> classes{1, 15, 300};  // (128, 0, 0), (192, 128, 128), none
  const Image image = overlay(grey, classes, 1, 3);
  CHECK(image.shape == ImageShape{3, 1, 3});
  CHECK(image.pixels == std::vector<uint8_t>{114, 196, 50, 50, 164, 50, 50, 164, 50});
  const std::vector<float> reals{0, 1, 2, 0.5F, NAN};
  CHECK(picture_in(reinterpret_cast<const std::byte*>(reals.data()), DType::f32, {1, 1, 5}, 0).pixels ==
        std::vector<uint8_t>{0, 255, 255, 128, 0});
}

}  // namespace rnrun
