// The weight gradient of a 3x3 convolution of stride 1 by Winograd's algorithm: the transform of F(m x m, 3 x
// 3), transposed: dW = G^T [sum over tiles of (B^T x B) * (A dy A^T)] G.
#pragma once

#include "passes/lower/conv/weight_grad.h"

namespace rnc {

// Sums tiles of parts of the batch side by side where the sums stay in cache, else by blocks of channels
// (winograd_weight_grad_blocks.cpp). Both operands may be expressions that `group` computes.
void lower_winograd_weight_grad(Lowering& lowering, const Group& group, const WeightGrad& conv, int m);
void lower_winograd_weight_grad_blocks(Lowering& lowering, const Group& group, const WeightGrad& conv, int m);

}  // namespace rnc
