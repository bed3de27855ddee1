#include "passes/lower/conv/winograd/transforms.h"

#include <algorithm>

#include "passes/lower/conv/winograd/points.h"

namespace rnc {

using loops::Expr;

namespace points {

Expr number(double value, const Expr& like) {
  return loops::constant(loops::Scalar::f32, value, like->type.lanes);
}
Expr times(double value, const Expr& x) { return number(value, x) * x; }
Expr scaled(double value, const Expr& x, const Expr& y) { return loops::fma(number(value, x), x, y); }

void pair(Body& body, Vectors& out, const Expr& even, double x, const Expr& odd) {
  const Expr e = body.let("e", even), o = body.let("o", odd);
  out.push_back(x == 1 ? e + o : scaled(x, o, e));
  out.push_back(x == 1 ? e - o : scaled(-x, o, e));
}

}  // namespace points

namespace {

namespace three = points::three;
namespace two = points::two;

Vectors named(Body& body, Vectors values) {
  for (Expr& value : values) value = body.let("t", value);
  return values;
}

// Every second of the values, from the first or the second on.
Vectors every_second(const Vectors& values, size_t first) {
  Vectors result;
  for (size_t i = first; i < values.size(); i += 2) result.push_back(values[i]);
  return result;
}

Vectors joined(Vectors a, const Vectors& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Vectors part(const Vectors& values, int begin, int end) {
  return {values.begin() + begin, values.begin() + end};
}

}  // namespace

Expr Filtering::weight_of(const Expr& position) const {
  if (stride == 1) return position;
  const auto along = [&](const Expr& i) { return loops::min(i, m + 1); };
  return along(position / positions()) * weights() + along(position % positions());
}

// The middle tap has the weight of index m + 1 along an axis, and m positions from there on.
void Filtering::each_position(Body& body, const Expr& weight,
                              const std::function<void(Body&, const Expr& position)>& visit) const {
  if (stride == 1) return visit(body, weight);
  const auto along = [&](Body& b, const Expr& index, const Body::FillLoop& fill) {
    const Expr middle = loops::binary(loops::Binary::eq, index, m + 1);
    b.loop("i", index, b.let("end", loops::select(middle, Expr(positions()), index + 1)), 1, fill);
  };
  along(body, body.let("row", weight / weights()), [&](Body& b, const Expr& i) {
    along(b, b.let("column", weight % weights()),
          [&](Body& c, const Expr& j) { visit(c, c.let("x", i * positions() + j)); });
  });
}

// At stride 2, pixel 0 and every second after it are read by the outer taps, as the map is padded by one.
Vectors winograd_input(Body& body, const Filtering& f, const Vectors& d) {
  if (f.stride == 1) return named(body, three::input(body, f.m, d));
  return named(body, joined(two::input(body, f.m, every_second(d, 0)), every_second(d, 1)));
}

Vectors winograd_weight(Body& body, const Filtering& f, const Vectors& g) {
  if (f.stride == 1) return named(body, three::weight(body, f.m, g));
  return named(body, joined(two::weight(body, f.m, {g[0], g[2]}), {g[1]}));
}

Vectors winograd_output(Body& body, const Filtering& f, const Vectors& products) {
  if (f.stride == 1) return named(body, three::output(body, f.m, products));
  Vectors out = two::output(body, f.m, part(products, 0, f.m + 1));
  for (int i = 0; i < f.m; ++i) {
    Expr& y = out[static_cast<size_t>(i)];
    y = y + products[static_cast<size_t>(f.m + 1 + i)];
  }
  return named(body, std::move(out));
}

// At stride 2, pixel 2 i of dx is dy(i) times the middle tap, and pixel 2 i + 1 is a filter of the outer
// taps, in reverse order, over dy(i) and dy(i + 1).
Vectors winograd_gradient_input(Body& body, const Filtering& f, const Vectors& dy) {
  if (f.stride == 1) return winograd_input(body, f, dy);
  return named(body, joined(two::input(body, f.m, dy), part(dy, 0, f.m)));
}

Vectors winograd_gradient_output(Body& body, const Filtering& f, const Vectors& products) {
  if (f.stride == 1) return winograd_output(body, f, products);
  const Vectors odd = two::output(body, f.m, part(products, 0, f.m + 1));
  Vectors out;
  for (int i = 0; i < f.m; ++i) {
    out.push_back(products[static_cast<size_t>(f.m + 1 + i)]);
    out.push_back(odd[static_cast<size_t>(i)]);
  }
  return named(body, std::move(out));
}

Vectors winograd_gradient(Body& body, const Filtering& f, const Vectors& e) {
  if (f.stride == 1) return named(body, three::gradient(body, f.m, e));
  return named(body, joined(two::gradient(body, f.m, e), e));
}

Vectors winograd_weight_gradient(Body& body, const Filtering& f, const Vectors& u) {
  if (f.stride == 1) return named(body, three::weight_gradient(body, f.m, u));
  const Vectors outer = two::weight_gradient(body, f.m, part(u, 0, f.m + 1));
  return named(body, {outer[0], u.back(), outer[1]});
}

double winograd_scale(const Filtering& f, int i) {
  if (f.stride == 1) return three::scale(f.m, i);
  return i == f.m + 1 ? 1 : two::scale(f.m, i);
}

Vectors winograd_scaled(Body& body, const Filtering& f, Vectors square) {
  const int size = f.weights();
  for (int i = 0; i < size * size; ++i) {
    const double scale = winograd_scale(f, i / size) * winograd_scale(f, i % size);
    Expr& value = square[static_cast<size_t>(i)];
    if (scale != 1) value = body.let("t", points::times(scale, value));
  }
  return square;
}

Vectors winograd_2d(Body& body, const Filtering& f, Transform transform, const Vectors& square, int size) {
  std::vector<Vectors> columns;  // transformed along the rows' index
  for (int j = 0; j < size; ++j) {
    Vectors column;
    for (int i = 0; i < size; ++i) column.push_back(square[static_cast<size_t>(i * size + j)]);
    columns.push_back(transform(body, f, column));
  }
  Vectors result;
  for (size_t i = 0; i < columns[0].size(); ++i) {
    Vectors row;
    for (const Vectors& column : columns) row.push_back(column[i]);
    for (Expr& value : transform(body, f, row)) result.push_back(value);
  }
  return result;
}

}  // namespace rnc
