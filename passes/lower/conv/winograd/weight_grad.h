// The weight gradient of a 3x3 convolution by Winograd's algorithm: the transform of F(m x m, 3 x 3),
// transposed: dW = G^T [sum over tiles of (B^T x B) * (A dy A^T)] G. At stride 2, products of positions with
// the same weight share a sum.
#pragma once

#include "passes/lower/conv/direct/weight_grad.h"

namespace rnc {

// Whether the sums of all pairs of channels stay in the caches of a core.
bool winograd_sums_stay_in_cache(const ConvShape& shape, int m, const TargetInfo& target);

// Sums tiles of parts of the batch side by side where the sums stay in cache, else by blocks of channels
// (winograd_weight_grad_blocks.cpp). Both operands may be expressions that `group` computes.
void lower_winograd_weight_grad(Lowering& lowering, const Group& group, const WeightGrad& conv, int m);
void lower_winograd_weight_grad_blocks(Lowering& lowering, const Group& group, const WeightGrad& conv, int m);

}  // namespace rnc
