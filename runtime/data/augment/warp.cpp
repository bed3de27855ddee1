#include "runtime/data/augment/warp.h"

#include <algorithm>
#include <cmath>

namespace rnrun {

namespace {

struct Spot {
  double x = 0;
  double y = 0;
};

// Makes each pixel with `pixel(plane, place)`, `place` being where `from(x, y)` says for its centre; black outside.
template <class From, class Pixel>
void sample(Image& image, From from, Pixel pixel) {
  const auto [channels, height, width] = image.shape;
  std::vector<uint8_t> result(image.pixels.size(), image.outside);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const Spot p = from(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5);
      const bool inside =
          p.x >= 0 && p.x < static_cast<double>(width) && p.y >= 0 && p.y < static_cast<double>(height);
      if (!inside) continue;
      for (int64_t c = 0; c < channels; ++c)
        result[static_cast<size_t>((c * height + y) * width + x)] =
            pixel(image.pixels.data() + c * height * width, p);
    }
  image.pixels = std::move(result);
}

template <class From>
void sample(Image& image, From from, Interpolation interpolation) {
  const auto [channels, height, width] = image.shape;
  const auto nearest = [width = width](const uint8_t* plane, Spot p) {
    return plane[static_cast<int64_t>(p.y) * width + static_cast<int64_t>(p.x)];
  };
  const auto bilinear = [height = height, width = width](const uint8_t* plane, Spot p) {
    const double left = std::floor(p.x - 0.5);
    const double top = std::floor(p.y - 0.5);
    const auto x0 = std::max<int64_t>(static_cast<int64_t>(left), 0);
    const auto x1 = std::min(static_cast<int64_t>(left) + 1, width - 1);
    const auto y0 = std::max<int64_t>(static_cast<int64_t>(top), 0);
    const auto y1 = std::min(static_cast<int64_t>(top) + 1, height - 1);
    const auto mean = [](double a, double b, double share) { return a + (b - a) * share; };
    const auto row = [&](const uint8_t* line) { return mean(line[x0], line[x1], p.x - 0.5 - left); };
    return static_cast<uint8_t>(
        mean(row(plane + y0 * width), row(plane + y1 * width), p.y - 0.5 - top));  // cut off, as Pillow does
  };
  if (interpolation == Interpolation::nearest || image.is_mask)
    sample(image, from, nearest);
  else
    sample(image, from, bilinear);
}

// Pillow finds the nearest pixels in fixed point, 16 bits after the point.
int64_t fixed(double value) { return static_cast<int64_t>(std::floor(value * 65536 + 0.5)); }

void warp_nearest(Image& image, const AffineMatrix& m) {
  const auto [channels, height, width] = image.shape;
  const int64_t right[2] = {fixed(m[0]), fixed(m[3])};
  const int64_t down[2] = {fixed(m[1]), fixed(m[4])};
  int64_t first[2] = {fixed(m[2] + m[0] * 0.5 + m[1] * 0.5), fixed(m[5] + m[3] * 0.5 + m[4] * 0.5)};
  std::vector<uint8_t> result(image.pixels.size(), image.outside);
  for (int64_t y = 0; y < height; ++y) {
    int64_t at[2] = {first[0], first[1]};
    for (int64_t x = 0; x < width; ++x) {
      const int64_t from_x = at[0] >> 16;
      const int64_t from_y = at[1] >> 16;
      if (from_x >= 0 && from_x < width && from_y >= 0 && from_y < height)
        for (int64_t c = 0; c < channels; ++c)
          result[static_cast<size_t>((c * height + y) * width + x)] =
              image.pixels[static_cast<size_t>((c * height + from_y) * width + from_x)];
      for (const int i : {0, 1}) at[i] += right[i];
    }
    for (const int i : {0, 1}) first[i] += down[i];
  }
  image.pixels = std::move(result);
}

// Of an image that is only moved and scaled Pillow finds the columns and the rows by adding up.
void scale_nearest(Image& image, const AffineMatrix& m) {
  const auto [channels, height, width] = image.shape;
  const auto places = [](double first, double step, int64_t count) {
    std::vector<int64_t> result;
    double at = first + step * 0.5;
    for (int64_t i = 0; i < count; ++i, at += step)
      result.push_back(at >= 0 && at < static_cast<double>(count) ? static_cast<int64_t>(at) : -1);
    return result;
  };
  const std::vector<int64_t> columns = places(m[2], m[0], width);
  const std::vector<int64_t> rows = places(m[5], m[4], height);
  std::vector<uint8_t> result;
  result.reserve(image.pixels.size());
  for (int64_t c = 0; c < channels; ++c)
    for (const int64_t y : rows)
      for (const int64_t x : columns)
        result.push_back(x < 0 || y < 0 ? image.outside
                                        : image.pixels[static_cast<size_t>((c * height + y) * width + x)]);
  image.pixels = std::move(result);
}

// Whether the places of all pixels can be told in fixed point.
bool is_near(const ImageShape& shape, const AffineMatrix& m) {
  for (const double x : {0.0, static_cast<double>(shape.width)})
    for (const double y : {0.0, static_cast<double>(shape.height)})
      for (const int row : {0, 3})
        if (!(std::abs(x * m[static_cast<size_t>(row)] + y * m[static_cast<size_t>(row) + 1] +
                       m[static_cast<size_t>(row) + 2]) < 32768))
          return false;
  return true;
}

}  // namespace

void warp_affine(Image& image, const AffineMatrix& m, Interpolation interpolation) {
  const auto from = [&m](double x, double y) {
    return Spot{m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
  };
  if (interpolation == Interpolation::bilinear || !is_near(image.shape, m))
    sample(image, from, interpolation);
  else if (m[1] == 0 && m[3] == 0)
    scale_nearest(image, m);
  else
    warp_nearest(image, m);
}

void warp_perspective(Image& image, const PerspectiveCoefficients& c, Interpolation interpolation) {
  const auto from = [&c](double x, double y) {
    const double depth = c[6] * x + c[7] * y + 1;
    return Spot{(c[0] * x + c[1] * y + c[2]) / depth, (c[3] * x + c[4] * y + c[5]) / depth};
  };
  sample(image, from, interpolation);
}

}  // namespace rnrun
