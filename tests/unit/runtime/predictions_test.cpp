#include "runtime/task/classification/predictions.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace rnrun {

TEST_CASE("softmax: probabilities, whatever the scores' size") {
  const std::vector<double> p = softmax(std::vector<float>{0, 1, 2});
  CHECK(p[0] == doctest::Approx(0.09003057));
  CHECK(p[2] == doctest::Approx(0.66524096));
  const std::vector<double> large = softmax(std::vector<float>{1e30f, -1e30f, 1e30f});
  CHECK(large == std::vector<double>{0.5, 0, 0.5});
}

TEST_CASE("top classes: highest first, ties by class, a NaN before all") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(top_classes(std::vector<float>{1, 3, 2, 3}, 3) == std::vector<int64_t>{1, 3, 2});
  CHECK(top_classes(std::vector<float>{1, 3}, 5) == std::vector<int64_t>{1, 0});
  CHECK(top_classes(std::vector<float>{1, nan, 3}, 2) == std::vector<int64_t>{1, 2});
}

TEST_CASE("rank: of equal scores the lower class is first; a NaN is before all, and never right itself") {
  const std::vector<float> scores = {0, 1, 2, 3, 4, 5, 6};
  CHECK(rank(scores, 6) == 0);
  CHECK(rank(scores, 2) == 4);
  CHECK(rank(scores, 1) == 5);
  CHECK(rank(std::vector<float>{1, 1}, 0) == 0);
  CHECK(rank(std::vector<float>{1, 1}, 1) == 1);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(rank(std::vector<float>{nan, 1}, 0) == 2);
  CHECK(rank(std::vector<float>{nan, 1}, 1) == 1);
}

TEST_CASE("predictions: counts per class, and the most confident mistakes with their pixels") {
  Predictions p(3, {1, 1, 2}, 2);
  const std::vector<float> scores = {5, 0, 0, /**/ 0, 2, 0, /**/ 0, 3, 0, /**/ 0, 1, 0, /**/ 9, 0, 0};
  const std::vector<int32_t> labels = {0, 0, 2, 2, 0};
  const std::vector<uint8_t> pixels = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  p.add(std::vector<uint32_t>{0, 1, 2}, scores.data(), labels.data(), pixels.data());
  p.add(std::vector<uint32_t>{7, 8}, scores.data() + 9, labels.data() + 3, pixels.data() + 6);
  CHECK(p.count(0, 0) == 2);
  CHECK(p.count(0, 1) == 1);
  CHECK(p.count(2, 1) == 2);
  CHECK(p.count(1, 1) == 0);
  CHECK(p.total(0) == 3);
  CHECK(p.total(2) == 2);
  REQUIRE(p.mistakes().size() == 2);
  CHECK(p.mistakes()[0].index == 2);
  CHECK(p.mistakes()[0].label == 2);
  CHECK(p.mistakes()[0].predicted == 1);
  CHECK(p.mistakes()[0].confidence == doctest::Approx(std::exp(3) / (2 + std::exp(3))));
  CHECK(p.mistakes()[0].pixels == std::vector<uint8_t>{5, 6});
  CHECK(p.mistakes()[1].index == 1);
}

}  // namespace rnrun
