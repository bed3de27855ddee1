// The register tiles of a weight gradient that is summed directly over pixels: the code that adds the
// products of a block of pixels to the weights of one panel of outputs and one block of input channels.
#pragma once

#include "passes/lower/conv/direct/weight_grad.h"

namespace rnc {

// What the code works on, and how large it is.
struct WeightGradOperands {
  const WeightGrad& conv;
  ConvShape::Axis h, w;  // the convolution's, or of the same map seen as other rows
  const TargetInfo& target;
  loops::MemoryRef x;   // [N][blocks][h.in][w.in], and [lanes] unless the input is plain
  loops::MemoryRef dy;  // [N][blocks][h.out][w.out][lanes]
  loops::MemoryRef dw;  // [parts][panels][blocks][taps][weight lanes][vectors * lanes]
};

// The weights of a panel of outputs and a block of inputs, which is number `in_block` of x's.
struct WeightBlock {
  loops::Expr part;  // of the batch: each has sums of its own
  loops::Expr panel, block, in_block;
};

// Rows [h0, h1) of dy in images [n0, n1).
struct PixelBlock {
  loops::Expr n0, n1, h0, h1;
  loops::Expr first;       // whether the sums begin with it
  loops::Expr ahead;       // whether to ask for what the next block of pixels has in place of this one
  loops::Expr to_n, to_h;  // how many images and rows later that one is; empty: nobody asks
};

// Sets the weights to zero.
void clear_weights(Body& body, const WeightGradOperands& operands, const WeightBlock& weights);

// Adds the pixels' products to the weights of row `kh` of the kernel's taps.
void add_products(Body& body, const WeightGradOperands& operands, const WeightBlock& weights,
                  const PixelBlock& pixels, const loops::Expr& kh);

// Whether each tap belongs to one input (depthwise), so that tiles hold rows of them.
bool tiles_hold_rows(const WeightGrad& conv, const TargetInfo& target);
// Then: adds the pixels' products to all weights.
void add_products_of_rows(Body& body, const WeightGradOperands& operands, const WeightBlock& weights,
                          const PixelBlock& pixels);

}  // namespace rnc
