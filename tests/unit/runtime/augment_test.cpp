#include "runtime/data/augment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

namespace rnrun {

namespace {

// Pixels that tell where they came from: 1, 2, ... in two channels.
Image numbered(int64_t height, int64_t width) {
  Image image{{2, height, width}, {}};
  for (int64_t i = 0; i < image.shape.bytes(); ++i) image.pixels.push_back(static_cast<uint8_t>(i % 250 + 1));
  return image;
}

Image augmented(Image image, const Augmentation& augmentation, uint64_t seed) {
  const ImageShape shape = image.shape;
  augment(image, shape, augmentation, Random(seed, 0), "x");
  CHECK(image.shape == shape);
  CHECK(static_cast<int64_t>(image.pixels.size()) == shape.bytes());
  return image;
}

uint8_t at(const Image& image, int64_t c, int64_t y, int64_t x) {
  return image.pixels.at(static_cast<size_t>((c * image.shape.height + y) * image.shape.width + x));
}

}  // namespace

TEST_CASE("nothing asked for, nothing done") {
  const Image image = numbered(4, 5);
  CHECK(augmented(image, {}, 1).pixels == image.pixels);
}

TEST_CASE("random crop moves the image by up to the padding, all ways alike; black comes in") {
  const Image image = numbered(6, 7);
  constexpr int64_t kPad = 2;
  std::map<std::pair<int64_t, int64_t>, int> seen;
  for (uint64_t seed = 0; seed < 2500; ++seed) {
    const Image moved = augmented(image, {.random_crop = kPad}, seed);
    int matches = 0;
    for (int64_t down = -kPad; down <= kPad; ++down)
      for (int64_t right = -kPad; right <= kPad; ++right) {
        bool same = true;
        for (int64_t c = 0; c < 2; ++c)
          for (int64_t y = 0; y < 6; ++y)
            for (int64_t x = 0; x < 7; ++x) {
              const bool inside = y >= down && y < 6 + down && x >= right && x < 7 + right;
              same = same && at(moved, c, y, x) == (inside ? at(image, c, y - down, x - right) : 0);
            }
        if (same) ++seen[{down, right}];
        matches += same ? 1 : 0;
      }
    REQUIRE(matches == 1);
  }
  CHECK(seen.size() == 25);
  for (const auto& [move, count] : seen) CHECK(std::abs(count - 100) < 40);
  const Image black = augmented(image, {.random_crop = 1000}, 3);
  CHECK(std::ranges::count(black.pixels, 0) == black.shape.bytes());
}

TEST_CASE("horizontal flips come with their probability") {
  const Image image = numbered(3, 4);
  for (const double p : {0.0, 0.25, 1.0}) {
    int flipped = 0;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
      const Image result = augmented(image, {.hflip = p}, seed);
      if (result.pixels == image.pixels) continue;
      ++flipped;
      for (int64_t c = 0; c < 2; ++c)
        for (int64_t y = 0; y < 3; ++y)
          for (int64_t x = 0; x < 4; ++x) REQUIRE(at(result, c, y, x) == at(image, c, y, 3 - x));
    }
    CHECK(std::abs(flipped - 1000 * p) <= (p == 0.25 ? 50 : 0));
  }
}

TEST_CASE("cutout greys a square around any pixel, cut at the border") {
  const Image image = numbered(9, 8);
  for (const int64_t side : {1, 4, 5, 100}) {
    std::set<std::pair<int64_t, int64_t>> corners;
    for (uint64_t seed = 0; seed < 1500; ++seed) {
      const Image result = augmented(image, {.cutout = side}, seed);
      int64_t top = 9, bottom = -1, left = 8, right = -1;
      for (int64_t y = 0; y < 9; ++y)
        for (int64_t x = 0; x < 8; ++x) {
          if (at(result, 0, y, x) == at(image, 0, y, x)) continue;
          REQUIRE(at(result, 0, y, x) == 128);
          REQUIRE(at(result, 1, y, x) == 128);
          top = std::min(top, y), bottom = std::max(bottom, y);
          left = std::min(left, x), right = std::max(right, x);
        }
      REQUIRE(bottom - top < side);
      REQUIRE(right - left < side);
      corners.insert({top, left});
      if (side == 100) REQUIRE(top + left + 8 - bottom + 7 - right == 0);
    }
    if (side == 1) CHECK(corners.size() == 72);
  }
}

TEST_CASE("random resized crop takes parts of 8 to 100 % with sides 3:4 to 4:3, and scales them") {
  // The picture is a ramp to the right and one downwards, so that the part can be read off the result.
  Image ramp{{2, 120, 200}, {}};
  for (int64_t c = 0; c < 2; ++c)
    for (int64_t y = 0; y < 120; ++y)
      for (int64_t x = 0; x < 200; ++x) ramp.pixels.push_back(static_cast<uint8_t>(c == 0 ? x : y));
  double smallest = 1;
  double largest = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Image image = ramp;
    augment(image, {2, 32, 32}, {.random_resized_crop = true}, Random(seed, 0), "x");
    REQUIRE(str(image.shape) == "2x32x32");
    const double w = (at(image, 0, 16, 31) - at(image, 0, 16, 0)) * 32.0 / 31;
    const double h = (at(image, 1, 31, 16) - at(image, 1, 0, 16)) * 32.0 / 31;
    const double area = w * h / (120 * 200);
    REQUIRE(w / h > 0.65);
    REQUIRE(w / h < 1.5);
    smallest = std::min(smallest, area);
    largest = std::max(largest, area);
  }
  CHECK(smallest > 0.06);
  CHECK(smallest < 0.12);
  CHECK(largest > 0.7);
  for (const ImageShape shape :
       {ImageShape{1, 1, 60}, {1, 60, 1}, {1, 1, 1}}) {  // no such part: the fallback
    Image line{shape, std::vector<uint8_t>(static_cast<size_t>(shape.bytes()), 9)};
    augment(line, {1, 4, 4}, {.random_resized_crop = true}, Random(1, 0), "x");
    CHECK(line.pixels == std::vector<uint8_t>(16, 9));
  }
}

TEST_CASE("images of other sizes are made to fit first") {
  Image image{{1, 30, 50}, std::vector<uint8_t>(1500, 77)};
  augment(image, {3, 8, 8}, {.hflip = 1}, Random(1, 0), "x");
  CHECK(str(image.shape) == "3x8x8");
  CHECK(image.pixels == std::vector<uint8_t>(192, 77));
}

}  // namespace rnrun
