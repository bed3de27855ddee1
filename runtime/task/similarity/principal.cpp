#include "runtime/task/similarity/principal.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rnrun {

namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

bool is_finite(std::span<const float> embedding) {
  return std::ranges::all_of(embedding, [](float v) { return std::isfinite(v); });
}

struct Covariance {
  Vector centre;
  std::vector<Vector> rows;
  double trace() const {
    double sum = 0;
    for (size_t i = 0; i < rows.size(); ++i) sum += rows[i][i];
    return sum;
  }
  Vector times(const Vector& v) const {
    Vector product;
    for (const Vector& row : rows) product.push_back(dot(row, v));
    return product;
  }
};

Covariance covariance(const Embedded& samples) {
  const size_t d = samples.dimensions();
  Covariance result{Vector(d), std::vector<Vector>(d, Vector(d))};
  double count = 0;
  const auto each = [&](auto visit) {
    for (size_t i = 0; i < samples.size(); ++i)
      if (is_finite(samples.embedding(i))) visit(samples.embedding(i));
  };
  each([&](std::span<const float> e) {
    for (size_t k = 0; k < d; ++k) result.centre[k] += e[k];
    ++count;
  });
  for (double& c : result.centre) c /= std::max(count, 1.0);
  each([&](std::span<const float> e) {
    for (size_t i = 0; i < d; ++i)
      for (size_t j = 0; j <= i; ++j)
        result.rows[i][j] += (e[i] - result.centre[i]) * (e[j] - result.centre[j]) / count;
  });
  for (size_t i = 0; i < d; ++i)
    for (size_t j = 0; j < i; ++j) result.rows[j][i] = result.rows[i][j];
  return result;
}

// Of length 1, its largest number positive; 0 if it is nearly that.
void normalize(Vector& v, double smallest) {
  const double length = std::sqrt(dot(v, v));
  const auto largest = std::ranges::max_element(v, {}, [](double x) { return std::abs(x); });
  const double factor = length <= smallest ? 0 : (*largest < 0 ? -1 : 1) / length;
  for (double& x : v) x *= factor;
}

// The axis of the largest variance among those that are orthogonal to `other`, by power iteration.
Vector largest_axis(const Covariance& c, const Vector& other) {
  constexpr int kMost = 1000;
  const double smallest = 1e-12 * c.trace();
  Vector axis(c.rows.size());
  for (size_t i = 0; i < axis.size(); ++i) axis[i] = 1 + 0.1 * std::sin(static_cast<double>(i));
  normalize(axis, 0);
  for (int i = 0; i < kMost; ++i) {
    const Vector before = axis;
    axis = c.times(axis);
    if (!other.empty()) {
      const double along = dot(axis, other);
      for (size_t k = 0; k < axis.size(); ++k) axis[k] -= along * other[k];
    }
    normalize(axis, smallest);
    if (1 - dot(axis, before) < 1e-12) break;
  }
  return axis;
}

}  // namespace

std::pair<double, double> Plane::place(std::span<const float> embedding) const {
  std::pair<double, double> at{0, 0};
  for (size_t k = 0; k < centre.size(); ++k) {
    at.first += axes[0][k] * (embedding[k] - centre[k]);
    at.second += axes[1][k] * (embedding[k] - centre[k]);
  }
  return at;
}

Plane principal_plane(const Embedded& samples) {
  const Covariance c = covariance(samples);
  Plane plane{.centre = c.centre, .axes = {}};
  if (c.rows.empty()) return plane;
  plane.axes[0] = largest_axis(c, {});
  plane.axes[1] = largest_axis(c, plane.axes[0]);
  const double all = c.trace();
  for (const Vector& axis : plane.axes) plane.share += all > 0 ? dot(axis, c.times(axis)) / all : 0;
  return plane;
}

}  // namespace rnrun
