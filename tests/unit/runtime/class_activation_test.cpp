#include "runtime/measure/class_activation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "runtime/report/heat_colours.h"

using namespace rnrun;

namespace {

void check_close(const std::vector<float>& values, const std::vector<float>& expected) {
  REQUIRE(values.size() == expected.size());
  for (size_t i = 0; i < values.size(); ++i) CHECK(std::abs(values[i] - expected[i]) < 1e-5);
}

}  // namespace

// The figures are PyTorch's: F.relu((g.mean((2, 3), keepdim=True) * a).sum(1)).
TEST_CASE("the map of Grad-CAM: channels weighed by their mean gradient, without what is negative") {
  const std::vector<float> activation = {1, 2, 3, 0, 0, 1, 2, 5};
  const std::vector<float> gradient = {1, 1, 0, 2, -2, -1, 0, 0};
  const HeatMap map = class_activation_map(activation, gradient, 2, 2);
  CHECK(map.height == 2);
  CHECK(map.width == 2);
  check_close(map.values, {1, 1.25, 1.5, 0});
  const std::vector<float> broken = {std::numeric_limits<float>::quiet_NaN(), 0, 0, 0};
  CHECK(std::isnan(class_activation_map(broken, broken, 2, 2).values[0]));
}

// PyTorch's F.interpolate(mode="bilinear", align_corners=False).
TEST_CASE("maps are resized as PyTorch does it") {
  const HeatMap map{2, 3, {0, 1, 4, 2, 0, 8}};
  check_close(resized(map, 3, 5).values, {0, 0.4f, 1, 2.8f, 4, 1, 0.8f, 0.5f, 3.8f, 6, 2, 1.2f, 0, 4.8f, 8});
  check_close(resized(map, 1, 2).values, {0.875f, 4.625f});
  check_close(resized({1, 1, {3}}, 2, 2).values, {3, 3, 3, 3});
}

TEST_CASE("colours of heat maps are matplotlib's viridis, and darkest for what is no number") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values = {0, 1, 2, nan};
  const Image heat = heat_picture(values, 2, 2, 2);
  CHECK(heat.shape == ImageShape{3, 2, 2});
  CHECK(heat.pixels == std::vector<uint8_t>{68, 33, 253, 68, 1, 145, 231, 1, 84, 140, 37, 84});
  for (const float most : {0.0f, nan})
    CHECK(heat_picture(values, 2, 2, most).pixels ==
          std::vector<uint8_t>{68, 68, 68, 68, 1, 1, 1, 1, 84, 84, 84, 84});
}

TEST_CASE("a map over a grey and a coloured picture") {
  const Image heat{{3, 1, 1}, {100, 0, 255}};
  CHECK(with_heat({{1, 1, 1}, {50}}, heat, 0.5).pixels == std::vector<uint8_t>{75, 25, 153});
  CHECK(with_heat({{3, 1, 1}, {50, 60, 70}}, heat, 0).pixels == std::vector<uint8_t>{50, 60, 70});
}
