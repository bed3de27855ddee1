#include "runtime/data/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace rnrun {

namespace {

constexpr int kPrecision = 22;  // bits after the point of a weight

// Which pixels of a line, with which weights, make one pixel of the scaled line.
struct Taps {
  int64_t first = 0;
  std::vector<int32_t> weights;
};

// For pixels begin..begin+count-1 of a line of `from` pixels scaled to `to`.
std::vector<Taps> taps(int64_t from, int64_t to, int64_t begin, int64_t count) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);
  const double inverse = 1 / support;  // multiplied, as Pillow does: the last bit counts
  std::vector<Taps> result(static_cast<size_t>(count));
  std::vector<double> weights;
  for (int64_t i = 0; i < count; ++i) {
    const double center = (static_cast<double>(begin + i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
    const int64_t last = std::min(static_cast<int64_t>(center + support + 0.5), from);
    double sum = 0;
    weights.clear();
    for (int64_t x = first; x < last; ++x) {
      const double distance = std::abs((static_cast<double>(x) - center + 0.5) * inverse);
      weights.push_back(std::max(1 - distance, 0.0));
      sum += weights.back();
    }
    Taps& t = result[static_cast<size_t>(i)];
    t.first = first;
    for (const double w : weights)
      t.weights.push_back(static_cast<int32_t>(0.5 + w / sum * (1 << kPrecision)));
  }
  return result;
}

// The weighted sum of pixels `stride` apart.
uint8_t apply(const Taps& t, const uint8_t* line, int64_t stride) {
  int32_t sum = 1 << (kPrecision - 1);
  const uint8_t* p = line + t.first * stride;
  for (const int32_t w : t.weights) {
    sum += w * *p;
    p += stride;
  }
  return static_cast<uint8_t>(std::clamp(sum >> kPrecision, 0, 255));
}

// Python's round(x / 2): halves go to the even neighbour.
int64_t half(int64_t x) { return std::llrint(static_cast<double>(x) / 2); }

}  // namespace

std::string str(const ImageShape& s) { return fmt::format("{}x{}x{}", s.channels, s.height, s.width); }

void convert_channels(Image& image, int64_t channels, const std::string& name) {
  if (image.shape.channels == channels) return;
  const auto plane = static_cast<size_t>(image.shape.height * image.shape.width);
  if (image.shape.channels == 1 && channels == 3) {
    image.pixels.resize(3 * plane);
    for (const size_t c : {1, 2}) std::copy_n(image.pixels.begin(), plane, image.pixels.begin() + c * plane);
  } else if (image.shape.channels == 3 && channels == 1) {
    uint8_t* p = image.pixels.data();
    for (size_t i = 0; i < plane; ++i)
      p[i] = static_cast<uint8_t>(
          (p[i] * 19595u + p[plane + i] * 38470u + p[2 * plane + i] * 7471u + 0x8000u) >> 16);
    image.pixels.resize(plane);
  } else {
    throw BadImage(
        fmt::format("{}: has {} channels, the model takes {}", name, image.shape.channels, channels));
  }
  image.shape.channels = channels;
}

namespace {

void resize_nearest(Image& image, const Box& source, int64_t height, int64_t width, const Box& window) {
  const ImageShape from = image.shape;
  std::vector<uint8_t> result(static_cast<size_t>(from.channels * window.height * window.width));
  const auto at = [](int64_t i, int64_t size, int64_t scaled) {
    const double scale = static_cast<double>(size) / static_cast<double>(scaled);
    return std::clamp<int64_t>(static_cast<int64_t>((static_cast<double>(i) + 0.5) * scale), 0, size - 1);
  };
  uint8_t* out = result.data();
  for (int64_t c = 0; c < from.channels; ++c)
    for (int64_t y = 0; y < window.height; ++y) {
      const int64_t row = c * from.height + source.top + at(window.top + y, source.height, height);
      for (int64_t x = 0; x < window.width; ++x)
        *out++ = image.pixels[static_cast<size_t>(row * from.width + source.left +
                                                  at(window.left + x, source.width, width))];
    }
  image.shape = {from.channels, window.height, window.width};
  image.pixels = std::move(result);
}

}  // namespace

void resize(Image& image, const Box& source, int64_t height, int64_t width, const Box& window) {
  if (image.is_mask) return resize_nearest(image, source, height, width, window);
  const auto columns = taps(source.width, width, window.left, window.width);
  const auto rows = taps(source.height, height, window.top, window.height);
  // The rows of the source that the window needs.
  int64_t first = source.height;
  int64_t last = 0;
  for (const Taps& t : rows) {
    first = std::min(first, t.first);
    last = std::max(last, t.first + static_cast<int64_t>(t.weights.size()));
  }
  const ImageShape from = image.shape;
  std::vector<uint8_t> narrow(static_cast<size_t>((last - first) * window.width));
  std::vector<uint8_t> result(static_cast<size_t>(from.channels * window.height * window.width));
  uint8_t* out = result.data();
  for (int64_t c = 0; c < from.channels; ++c) {
    uint8_t* to = narrow.data();
    for (int64_t y = first; y < last; ++y) {
      const uint8_t* line =
          image.pixels.data() + (c * from.height + source.top + y) * from.width + source.left;
      for (const Taps& t : columns) *to++ = apply(t, line, 1);
    }
    for (Taps t : rows) {
      t.first -= first;
      for (int64_t x = 0; x < window.width; ++x) *out++ = apply(t, narrow.data() + x, window.width);
    }
  }
  image.shape = {from.channels, window.height, window.width};
  image.pixels = std::move(result);
}

std::array<int64_t, 2> covering_size(const ImageShape& image, int64_t height, int64_t width) {
  const auto enlarged = [](int64_t side) {
    return static_cast<int64_t>(static_cast<double>(side) * 256 / 224 + 0.5);
  };
  const int64_t h = enlarged(height);
  const int64_t w = enlarged(width);
  if (h * image.width >= w * image.height) return {h, h * image.width / image.height};
  return {w * image.height / image.width, w};
}

Box centre_of(int64_t full_height, int64_t full_width, int64_t height, int64_t width) {
  return {half(full_height - height), half(full_width - width), height, width};
}

void fit(Image& image, const ImageShape& shape, const std::string& name) {
  convert_channels(image, shape.channels, name);
  const auto [channels, height, width] = shape;
  if (image.shape.height == height && image.shape.width == width) return;
  const auto [full_height, full_width] = covering_size(image.shape, height, width);
  resize(image, {0, 0, image.shape.height, image.shape.width}, full_height, full_width,
         centre_of(full_height, full_width, height, width));
}

}  // namespace rnrun
