// Values whose batch is not their first dimension, or only a part of one: PyTorch's attention computes with [S, N, C] and
// [N * heads, S, D], that of windows with [N * windows, S, C]. The graph's operations have the batch in front. So such a
// value is held as one that has, and its dimensions are told in terms of that one's; where the batch comes to be the first
// dimension again, the elements are moved.
#pragma once

#include <vector>

#include "ir/onnx/call.h"

namespace rnc::onnx {

struct View {
  ValueId node = kNoValue;
  // For each dimension those of the node that it is made of, in row-major order; none: it is one element wide. Each of the
  // node's dimensions is in one group.
  Groups groups;
};

// The node's dimensions, group by group.
std::vector<int64_t> flat(const Groups& groups);
// With these numbers for the node's dimensions.
Groups renumbered(Groups groups, const std::vector<int64_t>& to);

View view_of(Call& call, size_t operand, TensorKind kind = TensorKind::buffer);
// As a result: moved in memory if the batch is the first dimension by itself.
Value settled(Call& call, View view);

Sizes sizes_of(Call& call, const View& view);
// The view under another shape. Where the batch is a number in the file, that number stands for it. Unsupported where a
// dimension would need a part of the batch.
View regrouped(Call& call, const View& view, const Sizes& sizes);
View reordered(const View& view, const std::vector<int64_t>& order);
// The node's dimension that this one is; Unsupported if it is made of several, or of the batch.
int64_t single_axis(Call& call, const View& view, int64_t axis);
// The same value with its last dimension as the node's last.
View with_last_axis(Call& call, const View& view);

// A value without a batch that spreads over the view's dimensions, as it spreads over those of the node; or a value with
// the same dimensions.
ValueId beside(Call& call, const View& value, const View& view);
// The product of the matrices of the last two dimensions.
View matrix_product(Call& call, const View& a, const View& b);

}  // namespace rnc::onnx
