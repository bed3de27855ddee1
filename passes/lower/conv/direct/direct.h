// Direct convolution in register tiles: forward, and the input gradient, which is the same sum over other taps.
#pragma once

#include "passes/lower/conv/direct/grid.h"
#include "passes/lower/conv/shape.h"
#include "passes/lower/lowering.h"

namespace rnc {

// Whether memory decides a convolution's time: depthwise ones do few products with each input. Their kernels take pixels
// in the order of memory; unrolled, so that larger ones would be too much code.
inline bool streams(int64_t spread, int64_t taps) { return spread == 1 && taps <= 64; }

// Whether a kernel that streams asks for the row below: one that does many products with each line of memory, as the
// processor, which else fetches ahead faster by itself, then looks not far enough ahead; the less so with strides.
inline bool asks_for_rows(int64_t taps, int64_t strides, int lanes) {
  const int64_t per_line = 16 * taps / (strides * lanes);
  return per_line >= (strides > 1 ? 6 : 16);
}

// out(q) = bias + sum over taps t and channels c of in(q, t, c) * w(t, c), for each grid; the grids cover the
// output.
struct DirectConv {
  std::string name;
  ValueId out = kNoValue;  // the convolution's node: the anchor of the fused group
  ValueId in = kNoValue;
  ValueId bias = kNoValue;  // rank 1, or none
  bool flat = false;        // the map is seen as one row
  bool plain_input = false;
  int64_t in_channels = 0, out_channels = 0;
  int64_t in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  int64_t kernel_w = 1;  // taps per row of the weights
  int64_t kernel_taps = 1;
  std::vector<std::pair<GridAxis, GridAxis>> grids;  // h, w
  // Channels per group that are spread over its lanes, see spread_channels(): a panel is one vector and reads
  // one block of inputs, and lane o of a weight vector belongs to one input of lane o's group.
  int64_t spread = 0;
  // Weights: buffer of [panels][in_blocks][kernel_taps][weight_lanes()][vectors * V].
  int weight = -1;
  int vectors = 1;
  // Then the buffer has them as bf16 in pairs of inputs, [..][weight_lanes() / 2][vectors * V][2]: see pair_blocks.h.
  bool pairs = false;
  int64_t in_blocks = 0;  // blocks of input channels summed for one panel
  int64_t outputs_per_group = 0,
          inputs_per_group = 0;  // 0: not grouped: every panel sums the blocks from the first
  loops::Work work;

  // Inputs summed for one output and tap, of each block.
  int64_t weight_lanes(int lanes) const { return plain_input ? 1 : spread > 0 ? spread : lanes; }
};

void lower_direct(Lowering& lowering, const Group& group, const DirectConv& conv);

// The same as part of another kernel, without reductions in the group: the number of its tasks, and a
// function that adds the code of one task.
struct DirectPart {
  loops::Extent tasks;
  std::function<void(Body& body, loops::Expr task)> code;
};
DirectPart direct_part(Lowering& lowering, const Group& group, const DirectConv& conv, KernelBuilder& kernel);

}  // namespace rnc
