// The weight gradient of a convolution, summed directly over pixels in register tiles.
#pragma once

#include "passes/lower/conv/direct.h"

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
};

// Every (panel, block of input channels) is a task of its own and needs no reduction; where those are few,
// the batch is also split into a number of parts that depends on the sizes only, whose sums a second kernel
// adds in order.
void lower_weight_grad(Lowering& lowering, const WeightGrad& conv);

}  // namespace rnc
