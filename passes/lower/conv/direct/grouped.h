// Weights of grouped convolutions. A vector of output channels may belong to several groups, each with inputs
// of its own. Where groups divide a vector evenly, kernels spread the inputs (see spread_channels()), and
// weights are packed one vector per input of the group. Otherwise the weights of a panel are spread over the
// blocks of input channels that any of its outputs needs, with zeros where output and input are of different
// groups; then the dense kernels apply.
#pragma once

#include "passes/lower/conv/direct/weight_grad.h"

namespace rnc {

// First block of input channels that a panel of outputs needs in a grouped convolution (0 where it is not
// grouped).
loops::Expr first_block(const DirectConv& conv, loops::Expr panel, int lanes);

// Adds a call that packs the plain weight [O, C/groups, kh, kw], whose channels are exchanged if
// `transposed`, into buffer `to`; `of` gives layer and location. Bytes it takes: storage_bytes of the packed
// shape.
void pack_grouped_weight(Lowering& lowering, const GroupedWeight& shape, ValueId weight, bool transposed,
                         int to, ValueId of);
// Adds a call that gathers the plain gradient `result` from the buffer conv.result.
void unpack_grouped_weight_grad(Lowering& lowering, const WeightGrad& conv, ValueId result);

}  // namespace rnc
