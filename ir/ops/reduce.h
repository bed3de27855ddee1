// The attributes of operations that reduce values along dimensions: `axes`, all where it is empty, of which negative
// ones count from the last, and `keepdims`.
#pragma once

#include "ir/graph/graph.h"

namespace rnc {

// The dimensions that are reduced, in order, for values of this rank. Those out of range are left out.
std::vector<int64_t> reduced_axes(const Node& node, int rank);
// The shape with one element along each of these dimensions.
Shape reduced_shape(Shape shape, const std::vector<int64_t>& axes);
// Whether the node sums each channel of each image, [N, C, H, W] to [N, C, 1, 1].
bool is_image_sum(const Node& node);
// Whether it sums the channels of each pixel, [N, C, H, W] to [N, 1, H, W].
bool sums_channels(const Node& node);

}  // namespace rnc
