#include "runtime/data/augment/geometry.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace rnrun {

namespace {

constexpr double kRadian = std::numbers::pi / 180;

// As Python's round(x, 15): what is left of cos(90 degrees) is no angle.
double without_rest(double x) { return std::round(x * 1e15) / 1e15; }

void half_turn(Image& image) {
  hflip(image);
  vflip(image);
}

// A square image, by 90 degrees to the left, or to the right.
void quarter_turn(Image& image, bool left) {
  const auto [channels, side, width] = image.shape;
  const std::vector<uint8_t> before = image.pixels;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < side; ++y)
      for (int64_t x = 0; x < side; ++x) {
        const int64_t from =
            left ? (c * side + x) * side + side - 1 - y : (c * side + side - 1 - x) * side + y;
        image.pixels[static_cast<size_t>((c * side + y) * side + x)] = before[static_cast<size_t>(from)];
      }
}

// Solves a x = b by elimination; b is the last column.
template <size_t N>
std::array<double, N> solve(std::array<std::array<double, N + 1>, N> a) {
  for (size_t i = 0; i < N; ++i) {
    size_t pivot = i;
    for (size_t r = i + 1; r < N; ++r)
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    std::swap(a[i], a[pivot]);
    for (size_t r = 0; r < N; ++r) {
      if (r == i) continue;
      const double factor = a[r][i] / a[i][i];
      for (size_t c = i; c <= N; ++c) a[r][c] -= factor * a[i][c];
    }
  }
  std::array<double, N> x{};
  for (size_t i = 0; i < N; ++i) x[i] = a[i][N] / a[i][i];
  return x;
}

}  // namespace

void hflip(Image& image) {
  const int64_t width = image.shape.width;
  for (auto row = image.pixels.begin(); row != image.pixels.end(); row += width)
    std::reverse(row, row + width);
}

void vflip(Image& image) {
  const auto [channels, height, width] = image.shape;
  for (int64_t c = 0; c < channels; ++c) {
    const auto plane = image.pixels.begin() + c * height * width;
    for (int64_t y = 0; y < height / 2; ++y)
      std::swap_ranges(plane + y * width, plane + (y + 1) * width, plane + (height - 1 - y) * width);
  }
}

void shift(Image& image, int64_t down, int64_t right) {
  const auto [channels, height, width] = image.shape;
  std::vector<uint8_t> moved(image.pixels.size(), image.outside);
  const int64_t first = std::clamp<int64_t>(right, 0, width);
  const int64_t count = width - std::min(std::abs(right), width);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = std::max<int64_t>(down, 0); y < std::min(height, height + down); ++y) {
      const int64_t from = (c * height + y - down) * width + first - right;
      std::copy_n(image.pixels.begin() + from, count, moved.begin() + (c * height + y) * width + first);
    }
  image.pixels = std::move(moved);
}

void rotate(Image& image, double degrees, Interpolation interpolation) {
  degrees -= 360 * std::floor(degrees / 360);
  const bool square = image.shape.height == image.shape.width;
  if (degrees == 0) return;
  if (degrees == 180) return half_turn(image);
  if (square && (degrees == 90 || degrees == 270)) return quarter_turn(image, degrees == 90);
  const double cosine = without_rest(std::cos(-degrees * kRadian));
  const double sine = without_rest(std::sin(-degrees * kRadian));
  const double x = static_cast<double>(image.shape.width) / 2;
  const double y = static_cast<double>(image.shape.height) / 2;
  warp_affine(image, {cosine, sine, cosine * -x + sine * -y + x, -sine, cosine, -sine * -x + cosine * -y + y},
              interpolation);
}

void affine(Image& image, const Affine& a, Interpolation interpolation, const Point& centre) {
  const double turn = a.degrees * kRadian;
  const double sx = a.shear.x * kRadian;
  const double sy = a.shear.y * kRadian;
  // The matrix is [p q; r s], a rotation after both shears, whose determinant is 1; warping takes its inverse.
  const double p = std::cos(turn - sy) / std::cos(sy);
  const double q = -std::cos(turn - sy) * std::tan(sx) / std::cos(sy) - std::sin(turn);
  const double r = std::sin(turn - sy) / std::cos(sy);
  const double s = -std::sin(turn - sy) * std::tan(sx) / std::cos(sy) + std::cos(turn);
  AffineMatrix m = {s / a.scale, -q / a.scale, 0, -r / a.scale, p / a.scale, 0};
  const double x = -centre.x - a.translate.x;
  const double y = -centre.y - a.translate.y;
  m[2] = m[0] * x + m[1] * y + centre.x;
  m[5] = m[3] * x + m[4] * y + centre.y;
  warp_affine(image, m, interpolation);
}

void affine(Image& image, const Affine& a, Interpolation interpolation) {
  affine(image, a, interpolation,
         {static_cast<double>(image.shape.width) * 0.5, static_cast<double>(image.shape.height) * 0.5});
}

PerspectiveCoefficients perspective_coefficients(const Corners& from, const Corners& to) {
  std::array<std::array<double, 9>, 8> equations{};
  for (size_t i = 0; i < 4; ++i) {
    const Point &f = from[i], &t = to[i];
    equations[2 * i] = {t.x, t.y, 1, 0, 0, 0, -f.x * t.x, -f.x * t.y, f.x};
    equations[2 * i + 1] = {0, 0, 0, t.x, t.y, 1, -f.y * t.x, -f.y * t.y, f.y};
  }
  return solve(equations);
}

}  // namespace rnrun
