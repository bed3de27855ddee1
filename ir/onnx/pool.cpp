// Pools over windows and over whole maps.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "ir/onnx/operators.h"
#include "ir/onnx/window.h"

namespace rnc::onnx {
namespace {

Attributes window_attributes(const Window& window, bool ceil_mode) {
  return attributes({{"kernel", pair(window.kernel)},
                     {"stride", pair(window.stride)},
                     {"pad", sides(window)},
                     {"ceil_mode", ceil_mode}});
}

// Pools take pads up to half the kernel; others are made before.
bool pads_are_large(const Window& window) {
  for (size_t d = 0; d < 2; ++d)
    if (2 * std::max(window.before[d], window.after[d]) > window.kernel[d]) return true;
  return false;
}

ValueId padded(Call& call, ValueId x, Window& window, double value) {
  const ValueId y = call.emit(Op::pad, {x}, attributes({{"pads", sides(window)}, {"value", value}}));
  window.before = window.after = {0, 0};
  return y;
}

Window pool_window(Call& call, ValueId x) {
  Window window = window_of(call, call.type(x).shape);
  if (!call.has_attribute("kernel_shape")) call.refuse("kernel_shape is missing");
  if (window.dilation != Window::Pair{1, 1}) call.refuse("a pool with dilations");
  return window;
}

Values max_pool(Call& call) {
  if (call.node().output_size() > 1 && !call.node().output(1).empty()) call.refuse("the places of maxima");
  const ValueId x = call.value(0);
  const int rank = call.type(x).rank();
  Window window = pool_window(call, x);
  ValueId map = as_map(call, x);
  if (pads_are_large(window))
    map = padded(call, map, window, static_cast<double>(std::numeric_limits<float>::lowest()));
  const ValueId y =
      call.result(Op::max_pool, {map}, window_attributes(window, call.integer("ceil_mode", 0) != 0));
  return one(as_operand(call, y, rank));
}

// For each place of a result of `count` windows along dimension d: the kernel's elements over those inside the map.
std::vector<float> shares(const Call& call, const Window& window, size_t d, int64_t size, int64_t count) {
  std::vector<float> result;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = i * window.stride[d] - window.before[d], end = begin + window.kernel[d];
    const int64_t inside = std::min(end, size) - std::max<int64_t>(begin, 0);
    if (inside < 1) call.refuse("windows of padding alone");
    result.push_back(static_cast<float>(window.kernel[d]) / static_cast<float>(inside));
  }
  return result;
}

// Means of windows over a map that was padded before, as means of the elements inside alone.
ValueId uncounted(Call& call, ValueId y, const Window& window, const Shape& map) {
  const Shape shape = call.type(y).shape;
  for (size_t d = 0; d < 2; ++d) {
    std::vector<int64_t> sizes = {1, 1, 1, 1};
    sizes[d + 2] = shape[d + 2];
    const Constant share = reals(sizes, shares(call, window, d, map[d + 2], shape[d + 2]));
    y = call.emit(Op::mul, {y, call.context().numbers(share)});
  }
  return y;
}

Values avg_pool(Call& call) {
  const ValueId x = call.value(0);
  const int rank = call.type(x).rank();
  Window window = pool_window(call, x);
  const bool counts_padding = call.integer("count_include_pad", 0) != 0;
  const bool ceil_mode = call.integer("ceil_mode", 0) != 0, is_padded = pads_are_large(window);
  ValueId map = as_map(call, x);
  const Shape shape = call.type(map).shape;
  const Window given = window;
  if (is_padded && ceil_mode) call.refuse("ceil_mode with pads of more than half the kernel");
  if (is_padded) map = padded(call, map, window, 0);
  Attributes attributes = window_attributes(window, ceil_mode);
  attributes.set("count_include_pad", counts_padding || is_padded);
  ValueId y = call.result(Op::avg_pool, {map}, std::move(attributes));
  if (is_padded && !counts_padding) y = uncounted(call, y, given, shape);
  return one(as_operand(call, y, rank));
}

// (sum of |x|^p) ^ (1 / p)
ValueId root_of_sum(Call& call, ValueId sum, double p) {
  if (p == 1) return sum;
  if (p == 2) return call.result(Op::sqrt, {sum});
  return call.result(Op::pow, {sum}, attributes({{"exponent", 1 / p}}));
}

ValueId power(Call& call, ValueId x) {
  const ValueId magnitude = call.emit(Op::abs, {x});
  const auto p = static_cast<double>(call.integer("p", 2));
  if (p < 1) call.refuse(fmt::format("a norm of p = {}", p));
  return p == 1 ? magnitude : call.emit(Op::pow, {magnitude}, attributes({{"exponent", p}}));
}

Values lp_pool(Call& call) {
  const ValueId x = call.value(0);
  const int rank = call.type(x).rank();
  const Window window = pool_window(call, x);
  if (call.integer("ceil_mode", 0) != 0 || pads_are_large(window))
    call.refuse("ceil_mode, or pads of more than half the kernel");
  const ValueId mean =
      call.emit(Op::avg_pool, {power(call, as_map(call, x))}, window_attributes(window, false));
  const ValueId taps = call.number(static_cast<double>(window.kernel[0] * window.kernel[1]));
  const ValueId y =
      root_of_sum(call, call.emit(Op::mul, {mean, taps}), static_cast<double>(call.integer("p", 2)));
  return one(as_operand(call, y, rank));
}

std::vector<int64_t> map_axes(Call& call, ValueId x) {
  if (call.type(x).rank() < 3) call.refuse(fmt::format("of {}", rnc::str(call.type(x))));
  std::vector<int64_t> axes(static_cast<size_t>(call.type(x).rank() - 2));
  std::iota(axes.begin(), axes.end(), 2);
  return axes;
}

Values global_avg_pool(Call& call) {
  const ValueId x = call.value(0);
  if (call.type(x).rank() == 4) return one(call.result(Op::global_avg_pool, {x}));
  return one(call.reduced(Op::mean, x, map_axes(call, x)));
}

Values global_max_pool(Call& call) {
  const ValueId x = call.value(0);
  return one(call.reduced(Op::amax, x, map_axes(call, x)));
}

Values global_lp_pool(Call& call) {
  const ValueId x = call.value(0);
  const ValueId sum = call.reduced(Op::sum, power(call, x), map_axes(call, x));
  return one(root_of_sum(call, sum, static_cast<double>(call.integer("p", 2))));
}

}  // namespace

std::span<const Operator> pool_operators() {
  static constexpr Operator kRows[] = {
      {"MaxPool", max_pool},
      {"AveragePool", avg_pool},
      {"LpPool", lp_pool},
      {"GlobalAveragePool", global_avg_pool},
      {"GlobalMaxPool", global_max_pool},
      {"GlobalLpPool", global_lp_pool},
  };
  return kRows;
}

}  // namespace rnc::onnx
