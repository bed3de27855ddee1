#include "ir/onnx/window.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc::onnx {
namespace {

constexpr int64_t kMostTaps = int64_t{1} << 31;  // what attributes of operations hold

// The last two of one or two numbers, with `otherwise` for the height of rows.
Window::Pair last_two(const Call& call, std::string_view name, const std::vector<int64_t>& values,
                      size_t dimensions, int64_t otherwise) {
  if (values.empty()) return {otherwise, otherwise};
  if (values.size() != dimensions)
    call.refuse(fmt::format("{} has {} numbers for {} dimensions", name, values.size(), dimensions));
  for (const int64_t value : values)
    if (value < 0 || value >= kMostTaps) call.refuse(fmt::format("{} is {}", name, value));
  return {dimensions == 2 ? values[0] : otherwise, values.back()};
}

// Pads for ceil(size / stride) windows; the odd one comes after, or before.
void pad_same(Window& window, const Shape& x, bool upper) {
  for (size_t d = 0; d < 2; ++d) {
    const int64_t size = x.size() == 4 ? x[d + 2] : d == 0 ? 1 : x[2];
    const int64_t count = (size + window.stride[d] - 1) / std::max<int64_t>(1, window.stride[d]);
    const int64_t needed = (count - 1) * window.stride[d] + (window.kernel[d] - 1) * window.dilation[d] + 1;
    const int64_t total = std::max<int64_t>(0, needed - size);
    window.before[d] = upper ? total / 2 : total - total / 2;
    window.after[d] = total - window.before[d];
  }
}

}  // namespace

Window window_of(const Call& call, const Shape& operand, std::vector<int64_t> kernel) {
  const size_t dimensions = operand.size() - 2;
  if (operand.size() != 3 && operand.size() != 4)
    call.refuse(fmt::format("of {}: rows [N, C, L] and maps [N, C, H, W] are read", rnc::str(operand)));
  Window window;
  window.kernel = last_two(call, "kernel_shape", call.integers("kernel_shape", kernel), dimensions, 1);
  window.stride = last_two(call, "strides", call.integers("strides"), dimensions, 1);
  window.dilation = last_two(call, "dilations", call.integers("dilations"), dimensions, 1);
  const std::string rule = call.string("auto_pad", "NOTSET");
  if (rule == "SAME_UPPER" || rule == "SAME_LOWER") {
    pad_same(window, operand, rule == "SAME_UPPER");
  } else if (rule == "NOTSET") {
    const std::vector<int64_t> pads = call.integers("pads");
    if (!pads.empty() && pads.size() != 2 * dimensions)
      call.refuse(fmt::format("pads has {} numbers for {} dimensions", pads.size(), dimensions));
    const auto middle = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
    window.before = last_two(call, "pads", {pads.begin(), middle}, dimensions, 0);
    window.after = last_two(call, "pads", {middle, pads.end()}, dimensions, 0);
  } else if (rule != "VALID") {
    call.refuse(fmt::format("auto_pad is '{}'", rule));
  }
  return window;
}

ValueId as_map(Call& call, ValueId v) {
  Sizes sizes = sizes_of(call.type(v).shape);
  if (sizes.size() == 3) sizes.insert(sizes.begin() + 2, Size{1, 0});
  return call.reshaped(v, sizes);
}

ValueId as_operand(Call& call, ValueId map, int operand_rank) {
  Sizes sizes = sizes_of(call.type(map).shape);
  if (operand_rank == 3) sizes.erase(sizes.begin() + 2);
  return call.reshaped(map, sizes);
}

std::vector<int64_t> pair(const Window::Pair& pair) { return {pair[0], pair[1]}; }

std::vector<int64_t> sides(const Window& window) {
  return {window.before[0], window.before[1], window.after[0], window.after[1]};
}

}  // namespace rnc::onnx
