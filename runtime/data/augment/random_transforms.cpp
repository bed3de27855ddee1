#include "runtime/data/augment/random_transforms.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "runtime/data/augment/colour.h"
#include "runtime/data/augment/filter.h"
#include "runtime/data/augment/geometry.h"

namespace rnrun {

namespace {

// Which normalisation takes to about 0, the value that torchvision and the papers fill in after it.
constexpr uint8_t kGrey = 128;

struct Range {
  double low = 0;
  double high = 0;
};

struct Size {
  int64_t height = 0;
  int64_t width = 0;
};

// The sides of a rectangle with a random part of the image's area, and a random ratio of `sides` (logarithmic).
std::pair<double, double> random_sides(const ImageShape& s, const Range& area, const Range& ratio,
                                       Random& random) {
  const double pixels =
      static_cast<double>(s.height) * static_cast<double>(s.width) * random.uniform(area.low, area.high);
  const double sides = std::exp(random.uniform(std::log(ratio.low), std::log(ratio.high)));
  return {std::sqrt(pixels * sides), std::sqrt(pixels / sides)};
}

Box placed(const ImageShape& s, const Size& size, Random& random) {
  const int64_t top = random.up_to(s.height - size.height);
  const int64_t left = random.up_to(s.width - size.width);
  return {top, left, size.height, size.width};
}

constexpr int kAttempts = 10;
constexpr Range kPartRatio = {3.0 / 4, 4.0 / 3};

Box random_part(const ImageShape& s, Random& random) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto [wide, high] = random_sides(s, {0.08, 1}, kPartRatio, random);
    const Size size{std::llrint(high), std::llrint(wide)};
    if (size.width >= 1 && size.width <= s.width && size.height >= 1 && size.height <= s.height)
      return placed(s, size, random);
  }
  // The largest part in the middle with an allowed ratio.
  const auto height = static_cast<double>(s.height);
  const auto width = static_cast<double>(s.width);
  int64_t w = s.width;
  int64_t h = s.height;
  if (width / height < kPartRatio.low) h = std::llrint(width / kPartRatio.low);
  if (width / height > kPartRatio.high) w = std::llrint(height * kPartRatio.high);
  return {(s.height - h) / 2, (s.width - w) / 2, h, w};
}

// What is outside the image does not matter.
void make_grey(Image& image, const Box& box) {
  if (image.is_mask) return;
  const auto [channels, height, width] = image.shape;
  const int64_t first = std::max<int64_t>(box.left, 0);
  const int64_t last = std::min(box.left + box.width, width);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = std::max<int64_t>(box.top, 0); y < std::min(box.top + box.height, height); ++y) {
      uint8_t* row = image.pixels.data() + (c * height + y) * width;
      std::fill(row + first, row + last, kGrey);
    }
}

}  // namespace

void random_resized_crop(Image& image, int64_t height, int64_t width, Random& random) {
  resize(image, random_part(image.shape, random), height, width, {0, 0, height, width});
}

void random_crop(Image& image, int64_t padding, Random& random) {
  const int64_t down = padding - random.up_to(2 * padding);
  shift(image, down, padding - random.up_to(2 * padding));
}

void color_jitter(Image& image, const ColorJitter& jitter, Random& random) {
  std::array<int, 4> order = {0, 1, 2, 3};
  for (uint32_t i = 4; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  const auto factor = [&](double by) { return random.uniform(std::max(1 - by, 0.0), 1 + by); };
  const double brightness = factor(jitter.brightness);
  const double contrast = factor(jitter.contrast);
  const double saturation = factor(jitter.saturation);
  const double hue = random.uniform(-jitter.hue, jitter.hue);
  if (image.is_mask) return;
  for (const int step : order) {
    if (step == 0 && jitter.brightness > 0) adjust_brightness(image, brightness);
    if (step == 1 && jitter.contrast > 0) adjust_contrast(image, contrast);
    if (step == 2 && jitter.saturation > 0) adjust_saturation(image, saturation);
    if (step == 3 && jitter.hue > 0) adjust_hue(image, hue);
  }
}

void random_rotation(Image& image, double degrees, Random& random) {
  rotate(image, random.uniform(-degrees, degrees), Interpolation::nearest);
}

void random_affine(Image& image, const RandomAffine& range, Random& random) {
  const double right = range.translate * static_cast<double>(image.shape.width);
  const double down = range.translate * static_cast<double>(image.shape.height);
  const double degrees = random.uniform(-range.degrees, range.degrees);
  const double x = std::rint(random.uniform(-right, right));
  const double y = std::rint(random.uniform(-down, down));
  const double scale = random.uniform(range.scale_from, range.scale_to);
  const double shear = random.uniform(-range.shear, range.shear);
  affine(image, {.degrees = degrees, .translate = {x, y}, .scale = scale, .shear = {shear, 0}},
         Interpolation::nearest);
}

void random_perspective(Image& image, double distortion_scale, Random& random) {
  const int64_t right = image.shape.width - 1;
  const int64_t bottom = image.shape.height - 1;
  if (right < 1 || bottom < 1) return;  // a line has no corners
  const auto inwards = [&](int64_t side) {
    return random.up_to(static_cast<int64_t>(distortion_scale * static_cast<double>(side / 2)));
  };
  const auto point = [](int64_t x, int64_t y) {
    return Point{static_cast<double>(x), static_cast<double>(y)};
  };
  Corners from, to;
  for (size_t i = 0; i < 4; ++i) {
    const bool at_right = i == 1 || i == 2;
    const bool at_bottom = i >= 2;
    const int64_t x = inwards(image.shape.width);
    const int64_t y = inwards(image.shape.height);
    from[i] = point(at_right ? right : 0, at_bottom ? bottom : 0);
    to[i] = point(at_right ? right - x : x, at_bottom ? bottom - y : y);
  }
  const PerspectiveCoefficients c = perspective_coefficients(from, to);
  const bool solved = std::ranges::all_of(c, [](double x) { return std::isfinite(x); });
  if (solved) warp_perspective(image, c, Interpolation::bilinear);  // not where three corners are on a line
}

void random_blur(Image& image, int64_t size, Random& random) {
  const double sigma = random.uniform(0.1, 2.0);
  if (!image.is_mask) gaussian_blur(image, size, sigma);
}

void random_erasing(Image& image, Random& random) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto [high, wide] = random_sides(image.shape, {0.02, 0.33}, {0.3, 3.3}, random);
    const Size size{std::llrint(high), std::llrint(wide)};
    if (size.height < image.shape.height && size.width < image.shape.width)
      return make_grey(image, placed(image.shape, size, random));
  }
}

void cutout(Image& image, int64_t side, Random& random) {
  const int64_t top = random.up_to(image.shape.height - 1) - side / 2;
  const int64_t left = random.up_to(image.shape.width - 1) - side / 2;
  make_grey(image, {top, left, side, side});
}

}  // namespace rnrun
