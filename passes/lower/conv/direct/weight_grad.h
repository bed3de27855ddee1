// The weight gradient of a convolution, summed directly over pixels in register tiles.
#pragma once

#include "passes/lower/conv/direct/direct.h"

namespace rnc {

struct WeightGrad {
  std::string name;
  ValueId x = kNoValue, dy = kNoValue, of = kNoValue;
  ConvShape shape;
  bool plain_input = false;
  int vectors = 1;
  int64_t in_blocks = 0;  // per panel of outputs; see DirectConv
  int64_t outputs_per_group = 0, inputs_per_group = 0;
  int64_t spread = 0;  // see DirectConv
  int result = -1;     // buffer of [panels][in_blocks][kh * kw][weight_lanes()][vectors * V]
  loops::Work work;

  int64_t weight_lanes(int lanes) const { return plain_input ? 1 : spread > 0 ? spread : lanes; }
  // Whether a register tile covers several taps, as few inputs belong to each: one of a plain input, those of
  // the lane's group where they are spread.
  bool tiles_hold_taps() const { return plain_input || spread > 0; }
};

// Tasks are macro-tiles of panels by blocks of input channels (macro_tile.h), which need no reduction; where
// those are few, the batch is also split into a number of parts that depends on the sizes only, whose sums a
// second kernel adds in order. A task takes the pixels in blocks that its caches hold, and for each all its
// register tiles.
void lower_weight_grad(Lowering& lowering, const WeightGrad& conv);

}  // namespace rnc
