// Windows of convolutions and pools over maps [N, C, H, W]; rows [N, C, L] are maps of one row.
#pragma once

#include <array>

#include "ir/onnx/call.h"

namespace rnc::onnx {

struct Window {
  using Pair = std::array<int64_t, 2>;  // height, width
  Pair kernel{1, 1}, stride{1, 1}, dilation{1, 1}, before{0, 0}, after{0, 0};
  bool is_padded() const { return before != Pair{0, 0} || after != Pair{0, 0}; }
};

// From the attributes kernel_shape (else `kernel`), strides, dilations, pads and auto_pad, for an operand of this shape.
// Unsupported unless it is of rows or maps, and where pads are negative.
Window window_of(const Call& call, const Shape& operand, std::vector<int64_t> kernel = {});

// A row's value as a map, and what becomes of a map as a row again if the operand was one.
ValueId as_map(Call& call, ValueId v);
ValueId as_operand(Call& call, ValueId map, int operand_rank);

std::vector<int64_t> pair(const Window::Pair& pair);
std::vector<int64_t> sides(const Window& window);  // as attribute `pad` of conv2d and pools

}  // namespace rnc::onnx
