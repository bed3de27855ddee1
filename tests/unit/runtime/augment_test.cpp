#include "runtime/data/augment/augment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

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

TEST_CASE("vertical flips come with their probability") {
  const Image image = numbered(3, 4);
  int flipped = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const Image result = augmented(image, {.vflip = 0.25}, seed);
    if (result.pixels == image.pixels) continue;
    ++flipped;
    for (int64_t c = 0; c < 2; ++c)
      for (int64_t y = 0; y < 3; ++y)
        for (int64_t x = 0; x < 4; ++x) REQUIRE(at(result, c, y, x) == at(image, c, 2 - y, x));
  }
  CHECK(std::abs(flipped - 250) <= 50);
}

TEST_CASE("random erasing greys rectangles of 2 to 33 % of the area with sides 0.3 to 3.3, after all else") {
  Image image{{1, 40, 50}, std::vector<uint8_t>(2000, 10)};
  double smallest = 1, largest = 0, flattest = 1, tallest = 1;
  int erased = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const Image result =
        augmented(image, {.color_jitter = ColorJitter{.brightness = 1}, .random_erasing = 0.5}, seed);
    int64_t top = 40, bottom = -1, left = 50, right = -1, grey = 0;
    for (int64_t y = 0; y < 40; ++y)
      for (int64_t x = 0; x < 50; ++x) {
        if (at(result, 0, y, x) != 128) continue;
        ++grey;
        top = std::min(top, y), bottom = std::max(bottom, y);
        left = std::min(left, x), right = std::max(right, x);
      }
    if (grey == 0) continue;
    ++erased;
    const double height = static_cast<double>(bottom - top + 1),
                 width = static_cast<double>(right - left + 1);
    REQUIRE(static_cast<double>(grey) == height * width);
    smallest = std::min(smallest, height * width / 2000), largest = std::max(largest, height * width / 2000);
    flattest = std::min(flattest, height / width), tallest = std::max(tallest, height / width);
  }
  CHECK(std::abs(erased - 500) < 60);
  CHECK(smallest > 0.015);
  CHECK(smallest < 0.03);
  CHECK(largest > 0.3);
  CHECK(largest < 0.345);
  CHECK(flattest > 0.25);
  CHECK(flattest < 0.4);
  CHECK(tallest > 2.8);
  CHECK(tallest < 3.8);
}

TEST_CASE("colour jitter is of its range") {
  const Image grey{{3, 2, 2}, std::vector<uint8_t>(12, 100)};
  std::set<int> values;
  for (uint64_t seed = 0; seed < 500; ++seed)
    values.insert(augmented(grey, {.color_jitter = ColorJitter{.brightness = 0.2}}, seed).pixels[0]);
  CHECK(*values.begin() == 80);
  CHECK(*values.rbegin() == 119);
  CHECK(values.size() == 40);
  const Image two{{1, 1, 2}, {10, 240}};
  CHECK(augmented(two, {.color_jitter = ColorJitter{}}, 1).pixels == two.pixels);
}

TEST_CASE("what moves pixels moves them differently each time, and not at all by nothing") {
  const Image image = numbered(12, 15);
  const Augmentation changes[] = {{.rotation = 30},
                                  {.random_affine = RandomAffine{.degrees = 20}},
                                  {.random_affine = RandomAffine{.translate = 0.3}},
                                  {.random_affine = RandomAffine{.scale_from = 0.5, .scale_to = 2}},
                                  {.random_affine = RandomAffine{.shear = 30}},
                                  {.random_perspective = {0.8, 1}},
                                  {.gaussian_blur = 5}};
  for (const Augmentation& change : changes) {
    std::set<std::string> results;
    for (uint64_t seed = 0; seed < 40; ++seed) {
      const Image result = augmented(image, change, seed);
      results.emplace(result.pixels.begin(), result.pixels.end());
      REQUIRE(augmented(image, change, seed).pixels == result.pixels);
    }
    CHECK(results.size() > 10);
  }
  const Augmentation nothing[] = {
      {.random_affine = RandomAffine{}}, {.random_perspective = {0, 1}}, {.randaugment = {0, 9}}};
  for (const Augmentation& change : nothing) CHECK(augmented(image, change, 3).pixels == image.pixels);
  int changed = 0;
  for (uint64_t seed = 0; seed < 400; ++seed)
    changed += augmented(image, {.random_perspective = {0.8, 0.25}}, seed).pixels != image.pixels ? 1 : 0;
  CHECK(std::abs(changed - 100) < 40);
}

TEST_CASE("policies take all their operations, and images of any size and number of channels") {
  const Image image = numbered(12, 15);
  for (const Augmentation& policy : {Augmentation{.randaugment = {1, 20}}, {.trivial_augment = true}}) {
    int same = 0;
    for (uint64_t seed = 0; seed < 1400; ++seed)
      same += augmented(image, policy, seed).pixels == image.pixels ? 1 : 0;
    // Identity; color, as the image has no colours; of TrivialAugment also some with a magnitude of nothing.
    CHECK(same > 120);
    CHECK(same < 420);
  }
  for (const int64_t channels : {1, 2, 3})
    for (const int64_t side : {1, 2, 33})
      for (uint64_t seed = 0; seed < 60; ++seed) {
        const Image any{{channels, side, 2 * side},
                        std::vector<uint8_t>(static_cast<size_t>(2 * channels * side * side), 77)};
        augmented(any,
                  {.random_resized_crop = true,
                   .auto_augment = static_cast<AutoAugmentPolicy>(seed % 3),
                   .randaugment = {3, 30},
                   .trivial_augment = true,
                   .color_jitter = ColorJitter{1, 1, 1, 0.5},
                   .rotation = 180,
                   .random_affine = RandomAffine{180, 1, 0.01, 100, 89},
                   .random_perspective = {1, 1},
                   .gaussian_blur = 255,
                   .random_erasing = 1},
                  seed);
      }
}

TEST_CASE("images of other sizes are made to fit first") {
  Image image{{1, 30, 50}, std::vector<uint8_t>(1500, 77)};
  augment(image, {3, 8, 8}, {.hflip = 1}, Random(1, 0), "x");
  CHECK(str(image.shape) == "3x8x8");
  CHECK(image.pixels == std::vector<uint8_t>(192, 77));
}

}  // namespace rnrun
