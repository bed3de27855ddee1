// Random layers over whole maps: sampled anew, padded, in parts, and related to each other.
#include <algorithm>

#include "tests/support/network_text.h"

namespace rnc::test {
namespace {

Map resized(NetworkText& t, const Map& x) {
  const std::string mode =
      t.random.one_of<std::string>({"nearest", "nearest_exact", "bilinear", "bicubic", "area"});
  const bool aligned = (mode == "bilinear" || mode == "bicubic") && t.random.chance(0.4);
  const Map y{"", x.c, t.random.integer(1, 9), t.random.integer(1, 9)};
  return t.map(y, "resize({}, size = [{}, {}], mode = \"{}\"{})", x.name, y.h, y.w, mode,
               aligned ? ", align_corners = true" : "");
}

Map padded(NetworkText& t, const Map& x) {
  const std::string mode = t.random.one_of<std::string>({"constant", "reflect", "edge", "circular"});
  const auto side = [&](int64_t size) { return t.random.integer(0, std::min<int64_t>(size - 1, 2)); };
  const int64_t top = side(x.h), left = side(x.w), bottom = side(x.h), right = side(x.w);
  const Map y{"", x.c, x.h + top + bottom, x.w + left + right};
  return t.map(y, "pad({}, pads = [{}, {}, {}, {}], mode = \"{}\"{})", x.name, top, left, bottom, right, mode,
               mode == "constant" && t.random.chance(0.5) ? ", value = 0.5" : "");
}

// Rows weighted by how alike they are.
Map attended(NetworkText& t, const Map& x) {
  const std::string scores = t.let("matmul({0}, {0}, transpose_b = true)", x.name);
  const std::string scaled = t.let("{} * 0.1", scores);
  const int64_t axis = t.random.integer(1, 3);
  const std::string weights = t.random.chance(0.7) ? t.let("softmax({}, axis = {})", scaled, axis)
                                                   : t.let("log_softmax({}, axis = {}) * 0.2", scaled, axis);
  return t.map(x, "matmul({}, {})", weights, x.name);
}

// Halves, or a first channel and the rest, in the other order.
Map in_parts(NetworkText& t, const Map& x) {
  const bool halves = x.c % 2 == 0 && t.random.chance(0.5);
  const std::string parts = halves ? "2" : fmt::format("[1, {}]", x.c - 1);
  const std::string left = fmt::format("v{}", ++t.values), right = fmt::format("v{}", ++t.values);
  t.line(fmt::format("{}, {} = split({}, {})", left, right, x.name, parts));
  const Map a{left, halves ? x.c / 2 : 1, x.h, x.w};
  return t.map(x, "concat({}, {})", right, activation(t, a).name);
}

}  // namespace

Map over_maps(NetworkText& t, const Map& x) {
  switch (t.random.integer(0, 3)) {
    case 0:
      return resized(t, x);
    case 1:
      return padded(t, x);
    case 2:
      return x.c > 1 ? in_parts(t, x) : padded(t, x);
    default:
      return x.c * x.h * x.h * x.w <= 2000 ? attended(t, x) : resized(t, x);
  }
}

}  // namespace rnc::test
