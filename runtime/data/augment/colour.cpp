#include "runtime/data/augment/colour.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>

namespace rnrun {

namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

template <class Function>
Table table_of(Function value) {
  Table table{};
  for (int i = 0; i < 256; ++i) table[static_cast<size_t>(i)] = static_cast<uint8_t>(value(i));
  return table;
}

void look_up(std::span<uint8_t> pixels, const Table& table) {
  for (uint8_t& p : pixels) p = table[p];
}

// Pillow computes in float, and cuts off what is after the point.
uint8_t blended(int pixel, int other, float factor) {
  const float value = static_cast<float>(other) + factor * static_cast<float>(pixel - other);
  return static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f));
}

size_t plane_size(const Image& image) { return static_cast<size_t>(image.shape.height * image.shape.width); }

std::vector<uint8_t> grey_of(const Image& image) {
  Image grey = image;
  if (image.shape.channels == 3) convert_channels(grey, 1, "");
  return std::move(grey.pixels);
}

Histogram histogram(std::span<const uint8_t> pixels) {
  Histogram counts{};
  for (const uint8_t p : pixels) ++counts[p];
  return counts;
}

// Replaces each channel by what `table(its histogram)` says.
template <class Function>
void look_up_each(Image& image, Function table) {
  const size_t plane = plane_size(image);
  for (size_t c = 0; c < static_cast<size_t>(image.shape.channels); ++c) {
    const std::span channel(image.pixels.data() + c * plane, plane);
    look_up(channel, table(histogram(channel)));
  }
}

struct Colour {
  uint8_t r = 0, g = 0, b = 0;
};

// To hue, saturation and value of 0..255, as Pillow's convert("HSV").
Colour hsv_of(const Colour& c) {
  const int largest = std::max({c.r, c.g, c.b});
  const int smallest = std::min({c.r, c.g, c.b});
  if (largest == smallest) return {0, 0, static_cast<uint8_t>(largest)};
  const auto range = static_cast<float>(largest - smallest);
  const float saturation = range / static_cast<float>(largest);
  const auto below = [&](int x) { return static_cast<float>(largest - x) / range; };
  float hue = below(c.b) - below(c.g);
  if (c.r != largest)
    hue = static_cast<float>(c.g == largest
                                 ? 2.0 + static_cast<double>(below(c.r)) - static_cast<double>(below(c.b))
                                 : 4.0 + static_cast<double>(below(c.g)) - static_cast<double>(below(c.r)));
  hue = static_cast<float>(std::fmod(static_cast<double>(hue) / 6.0 + 1.0, 1.0));
  return {static_cast<uint8_t>(static_cast<double>(hue) * 255),
          static_cast<uint8_t>(static_cast<double>(saturation) * 255), static_cast<uint8_t>(largest)};
}

Colour rgb_of(uint8_t hue, uint8_t saturation, uint8_t value) {
  if (saturation == 0) return {value, value, value};
  const double sixths = static_cast<double>(static_cast<float>(hue)) * 6.0 / 255.0;
  const int sector = static_cast<int>(std::floor(sixths));
  const auto rest = static_cast<double>(static_cast<float>(sixths - sector));
  const auto share = static_cast<double>(static_cast<float>(saturation / 255.0));
  const auto scaled = [&](double by) { return static_cast<uint8_t>(std::round(value * by)); };
  const uint8_t p = scaled(1.0 - share);
  const uint8_t q = scaled(1.0 - share * rest);
  const uint8_t t = scaled(1.0 - share * (1.0 - rest));
  const Colour sectors[] = {{value, t, p}, {q, value, p}, {p, value, t},
                            {p, q, value}, {t, p, value}, {value, p, q}};
  return sectors[sector % 6];
}

}  // namespace

void blend(Image& image, const std::vector<uint8_t>& other, double factor) {
  const auto f = static_cast<float>(factor);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = blended(image.pixels[i], other[i % other.size()], f);
}

void adjust_brightness(Image& image, double factor) {
  look_up(image.pixels, table_of([f = static_cast<float>(factor)](int i) { return blended(i, 0, f); }));
}

void adjust_contrast(Image& image, double factor) {
  const std::vector<uint8_t> grey = grey_of(image);
  const auto sum = static_cast<double>(std::accumulate(grey.begin(), grey.end(), int64_t{0}));
  const int mean = static_cast<int>(sum / static_cast<double>(grey.size()) + 0.5);
  look_up(image.pixels, table_of([&](int i) { return blended(i, mean, static_cast<float>(factor)); }));
}

void adjust_saturation(Image& image, double factor) {
  if (image.shape.channels == 3) blend(image, grey_of(image), factor);
}

void adjust_hue(Image& image, double turn) {
  if (image.shape.channels != 3) return;
  const auto by = static_cast<uint8_t>(static_cast<int>(turn * 255));
  const size_t plane = plane_size(image);
  uint8_t* p = image.pixels.data();
  for (size_t i = 0; i < plane; ++i) {
    const Colour hsv = hsv_of({p[i], p[plane + i], p[2 * plane + i]});
    const Colour rgb = rgb_of(static_cast<uint8_t>(hsv.r + by), hsv.g, hsv.b);
    p[i] = rgb.r, p[plane + i] = rgb.g, p[2 * plane + i] = rgb.b;
  }
}

void invert(Image& image) {
  for (uint8_t& p : image.pixels) p = static_cast<uint8_t>(255 - p);
}

void posterize(Image& image, int bits) {
  const auto mask = static_cast<uint8_t>(0xff << (8 - bits));
  for (uint8_t& p : image.pixels) p &= mask;
}

void solarize(Image& image, double threshold) {
  look_up(image.pixels, table_of([&](int i) { return i < threshold ? i : 255 - i; }));
}

void autocontrast(Image& image) {
  look_up_each(image, [](const Histogram& counts) {
    int low = 0;
    int high = 255;
    while (low < 255 && counts[static_cast<size_t>(low)] == 0) ++low;
    while (high > 0 && counts[static_cast<size_t>(high)] == 0) --high;
    if (high <= low) return table_of([](int i) { return i; });
    const double scale = 255.0 / (high - low);
    const double offset = -low * scale;
    return table_of([&](int i) { return std::clamp(static_cast<int>(i * scale + offset), 0, 255); });
  });
}

void equalize(Image& image) {
  look_up_each(image, [](const Histogram& counts) {
    const auto identity = table_of([](int i) { return i; });
    const auto last = std::find_if(counts.rbegin(), counts.rend(), [](int64_t count) { return count > 0; });
    if (last == counts.rend()) return identity;
    const int64_t step = (std::accumulate(counts.begin(), counts.end(), int64_t{0}) - *last) / 255;
    if (step == 0) return identity;
    int64_t below = step / 2;
    return table_of([&](int i) {
      const int64_t value = below / step;
      below += counts[static_cast<size_t>(i)];
      return std::min<int64_t>(value, 255);
    });
  });
}

}  // namespace rnrun
