// Sizes of a convolution, and the register tiles and weight layouts that fit them.
#pragma once

#include <string>
#include <utility>

#include "ir/graph/graph.h"
#include "ir/ops/conv_algorithm.h"
#include "ir/ops/grouped_weight.h"
#include "passes/target.h"

namespace rnc {

// The forward convolution that a conv2d, conv2d_input_grad or conv2d_weight_grad node belongs to.
struct ConvShape {
  int64_t channels = 0, outputs = 0, groups = 1;
  struct Axis {
    int64_t in = 0, out = 0, kernel = 1, stride = 1, pad = 0, dilation = 1, pad_after = 0;
    bool trivial() const { return kernel == 1 && stride == 1 && pad == 0 && pad_after == 0; }
    // The outputs [first, second) for which this tap reads inside the input.
    std::pair<int64_t, int64_t> valid_outputs(int64_t tap) const;
  };
  Axis h, w;
  std::string layer = {};
  bool pointwise() const { return h.trivial() && w.trivial(); }
  int64_t flops_per_sample() const {
    return 2 * outputs * (channels / groups) * h.kernel * w.kernel * h.out * w.out;
  }
};
ConvShape conv_shape(const Graph& graph, const Node& node);

// A register tile: `vectors` of output channels by `pixels`, all accumulated at once.
struct Tile {
  int vectors = 1;
  int pixels = 1;
};
// The tile for rows of `width` pixels and `blocks` vectors of output channels (of which tile.vectors is a
// divisor) that should take the least time: FMAs, loads and FMA latency counted per row.
Tile choose_tile(int64_t blocks, int64_t width, const TargetInfo& target);

// Weights as the kernels read them: one contiguous stream per panel of output channels,
// [outputs / p][channels / V][kh][kw][V][p] for forward, with the roles of the channels exchanged for the
// input gradient. Plain inputs have no channel block: [outputs / p][channels][kh][kw][p]. A panel of a
// grouped convolution stays within one group, or is one vector where groups are smaller.
Layout forward_weight_layout(const ConvShape& shape, bool plain_input, const TargetInfo& target);
Layout input_grad_weight_layout(const ConvShape& shape, const TargetInfo& target);

// Channels per group where a vector of outputs is made of whole groups smaller than it, with as many inputs:
// kernels then spread each group's inputs over its lanes. 0: they do not.
int64_t spread_channels(const ConvShape& shape, int lanes);
// How the kernels of a grouped convolution read its weight: forward, and for the input gradient, with the
// roles of the channels exchanged.
GroupedWeight forward_grouped_weight(const ConvShape& shape, const TargetInfo& target);
GroupedWeight input_grad_grouped_weight(const ConvShape& shape, const TargetInfo& target);

// Width of a row that a kernel tiles: the whole map for a 1x1 kernel on a narrow one.
bool flattens(const ConvShape& shape);

}  // namespace rnc
