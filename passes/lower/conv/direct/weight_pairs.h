// Weights for kernels that multiply two inputs at a time (loops::dot_pairs): rounded to bf16, the weights of inputs 2i and
// 2i + 1 beside each other.
#pragma once

#include "passes/lower/conv/direct/direct.h"

namespace rnc {

// Whether the kernel of this convolution should do so: its input is stored as bf16, the target has the instruction, and
// the graph trains, where the weights are another in each run.
bool takes_pairs(const Lowering& lowering, const DirectConv& conv);

// Adds the call that makes them, and says in `conv` that they are there.
void use_pairs(Lowering& lowering, DirectConv& conv);

}  // namespace rnc
