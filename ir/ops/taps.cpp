// The taps of each way to resize and to pad a line. The reference and the kernels have the same: what they are to be stands
// in the golden files that PyTorch made.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "ir/ops/resample.h"

namespace rnc {
namespace {

const std::string& mode_of(const Node& node) { return node.attributes.get<std::string>("mode"); }

// A line of `from` elements resized to `to`, by the scale where one is given.
struct Line {
  int64_t from, to;
  std::optional<double> scale;
  bool align_corners;

  double step() const { return scale ? 1 / *scale : static_cast<double>(from) / static_cast<double>(to); }
  // Position i of the result; exact at whole ones.
  double scaled(int64_t i) const {
    return scale ? static_cast<double>(i) / *scale : static_cast<double>(i * from) / static_cast<double>(to);
  }
};

// Where in the operand the middle of element i of the result is, in its elements' middles.
double centre(const Line& line, int64_t i) {
  const auto at = static_cast<double>(i);
  if (!line.align_corners) return (at + 0.5) * line.step() - 0.5;
  return line.to == 1 ? 0.0 : at * static_cast<double>(line.from - 1) / static_cast<double>(line.to - 1);
}

std::vector<Tap> nearest(const Line& line, double at) {
  return {{std::clamp<int64_t>(static_cast<int64_t>(std::floor(at)), 0, line.from - 1), 1.0}};
}

// Two neighbours, clamped to the line.
std::vector<Tap> linear(const Line& line, double at) {
  at = std::max(at, 0.0);
  const auto first = std::min(static_cast<int64_t>(at), line.from - 1);
  const double right = first + 1 < line.from ? at - static_cast<double>(first) : 0.0;
  return {{first, 1 - right}, {std::min(first + 1, line.from - 1), right}};
}

// Keys' kernel with a = -0.75, on four neighbours clamped to the line.
std::vector<Tap> cubic(const Line& line, double at) {
  constexpr double a = -0.75;
  const double floor = std::floor(at), t = at - floor;
  const auto near = [](double x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [](double x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  const std::array weights = {far(t + 1), near(t), near(1 - t), far(2 - t)};
  std::vector<Tap> taps;
  for (int64_t k = 0; k < 4; ++k) {
    const int64_t index = std::clamp<int64_t>(static_cast<int64_t>(floor) - 1 + k, 0, line.from - 1);
    taps.push_back({index, weights[static_cast<size_t>(k)]});
  }
  return taps;
}

int64_t window_begin(int64_t from, int64_t to, int64_t i) { return i * from / to; }
int64_t window_end(int64_t from, int64_t to, int64_t i) { return ((i + 1) * from + to - 1) / to; }

std::vector<Tap> mean_of_window(const Line& line, int64_t i) {
  const int64_t begin = window_begin(line.from, line.to, i), end = window_end(line.from, line.to, i);
  std::vector<Tap> taps;
  for (int64_t x = begin; x < end; ++x) taps.push_back({x, 1.0 / static_cast<double>(end - begin)});
  return taps;
}

// The elements of `windows` windows, as many of each: the last is there again where one has fewer.
AxisTaps windows_of(int64_t from, int64_t to, int64_t windows) {
  AxisTaps taps;
  for (int64_t i = 0; i < to; ++i) {
    const int64_t window = i / (to / windows), place = i % (to / windows);
    const int64_t last = window_end(from, windows, window) - 1;
    taps.push_back({{std::min(window_begin(from, windows, window) + place, last), 1.0}});
  }
  return taps;
}

AxisTaps resize_taps(const std::string& mode, const Line& line) {
  AxisTaps taps;
  for (int64_t i = 0; i < line.to; ++i) {
    if (mode == "nearest") taps.push_back(nearest(line, line.scaled(i)));
    if (mode == "nearest_exact") taps.push_back(nearest(line, (static_cast<double>(i) + 0.5) * line.step()));
    if (mode == "bilinear") taps.push_back(linear(line, centre(line, i)));
    if (mode == "bicubic") taps.push_back(cubic(line, centre(line, i)));
    if (mode == "area") taps.push_back(mean_of_window(line, i));
  }
  return taps;
}

AxisTaps pad_taps(const std::string& mode, int64_t from, int64_t before, int64_t after) {
  AxisTaps taps;
  for (int64_t i = -before; i < from + after; ++i) {
    const bool inside = 0 <= i && i < from;
    int64_t at = i;
    if (mode == "reflect") at = i < 0 ? -i : i >= from ? 2 * (from - 1) - i : i;
    if (mode == "edge") at = std::clamp<int64_t>(i, 0, from - 1);
    if (mode == "circular") at = (i + from) % from;
    taps.push_back({});
    if (inside || mode != "constant") taps.back().push_back({at, 1.0});
  }
  return taps;
}

AxisTaps transposed(const AxisTaps& taps, int64_t from) {
  AxisTaps result(static_cast<size_t>(from));
  for (size_t to = 0; to < taps.size(); ++to)
    for (const Tap& tap : taps[to])
      result[static_cast<size_t>(tap.index)].push_back({static_cast<int64_t>(to), tap.weight});
  return result;
}

AxisTaps resize_taps(const Node& node, int64_t from, int64_t to, size_t dimension) {
  if (mode_of(node) == "windows")
    return windows_of(from, to, node.attributes.get<std::vector<int64_t>>("windows")[dimension]);
  const auto& scale = node.attributes.get<std::vector<double>>("scale");
  std::optional<double> given;
  if (!scale.empty()) given = scale[std::min(dimension, scale.size() - 1)];
  return resize_taps(mode_of(node), {from, to, given, node.attributes.get<bool>("align_corners")});
}

}  // namespace

AxisTaps pillow_taps(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double width = std::max(scale, 1.0);
  AxisTaps result;
  for (int64_t i = 0; i < to; ++i) {
    const double middle = (static_cast<double>(i) + 0.5) * scale;
    const auto begin = std::max(static_cast<int64_t>(middle - width + 0.5), int64_t{0});
    const auto end = std::min(static_cast<int64_t>(middle + width + 0.5), from);
    std::vector<Tap> taps;
    double total = 0;
    for (int64_t x = begin; x < end; ++x) {
      const double distance = std::abs((static_cast<double>(x) - middle + 0.5) * (1.0 / width));
      taps.push_back({x, std::max(1.0 - distance, 0.0)});
      total += taps.back().weight;
    }
    for (Tap& tap : taps) tap.weight = std::floor(tap.weight / total * (1 << 22) + 0.5);
    result.push_back(std::move(taps));
  }
  return result;
}

AxisTaps taps_along(const Node& node, const Shape& operand, size_t dimension) {
  const size_t d = dimension + 2;
  const int64_t from = operand[d], to = node.type.shape[d];
  if (node.op == Op::resize) return resize_taps(node, from, to, dimension);
  if (node.op == Op::resize_grad) return transposed(resize_taps(node, to, from, dimension), to);
  const auto& pads = node.attributes.get<std::vector<int64_t>>("pads");
  const int64_t before = pads[dimension], after = pads[dimension + 2];
  if (node.op == Op::pad) return pad_taps(mode_of(node), from, before, after);
  check(node.op == Op::pad_grad, "an operation that samples maps");
  return transposed(pad_taps(mode_of(node), to, before, after), to);
}

double value_outside(const Node& node) {
  return node.op == Op::pad ? node.attributes.get<double>("value") : 0.0;
}

}  // namespace rnc
