// The weights of Winograd convolution, transformed block by block.
#pragma once

#include "passes/lower/conv/filtering.h"
#include "passes/lower/lowering.h"

namespace rnc {

// The weights of 3x3 kernels as an array: [panels][blocks][9][V][panel]; or with a forward_panel as the
// convolution reads them whose channels are exchanged: [blocks V / forward_panel][panels panel /
// V][9][V][forward_panel].
std::vector<loops::Extent> winograd_weight_dims(int64_t panels, int64_t blocks, int64_t lanes, int64_t panel,
                                                int64_t forward_panel);

struct BlockTransform {
  loops::MemoryRef w, u;  // see winograd_weight_dims; [panels][a a][channels][panel]
  int64_t panel = 0;
  bool forward = false;  // w is as the forward convolution reads it
  bool flipped = false;
};
// Transforms the weights of one panel and block of input channels: from block `cb` of panel `from` to block
// `to_cb` of panel `to`.
void transform_block(Body& body, const BlockTransform& t, const Filtering& f, loops::Expr from,
                     loops::Expr to, loops::Expr cb, loops::Expr to_cb);

}  // namespace rnc
