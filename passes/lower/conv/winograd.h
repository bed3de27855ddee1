// 3x3 convolutions of stride 1 by Winograd's minimal filtering, F(m x m, 3 x 3): Lavin and Gray, "Fast
// algorithms for convolutional neural networks", 2016. An m x m tile of outputs takes (m + 2)^2 products per
// pair of channels instead of 9 m^2; the rounding error is about twice that of direct summation at m = 4.
#pragma once

#include "passes/lower/conv/direct.h"

namespace rnc {

// The m to use for a convolution in a training entry; 0: direct summation is faster, or the convolution is of
// another kind. Forward, m = 2: its error is no larger than direct summation's, and an error there decides
// for which values ReLU and max pooling pass the gradient. The gradients are linear in their operands, so
// that they may use larger tiles.
int winograd_tile(const ConvShape& shape, bool forward, const TargetInfo& target);

// Computes `conv`, a grid of one 3x3 stride-1 pattern with pad 1, and the fused group around it. Transforms
// the weights from the direct layout first. `flipped`: the taps are in reverse order (the input gradient).
void lower_winograd(Lowering& lowering, const Group& group, const DirectConv& conv, int m, bool flipped);

}  // namespace rnc
