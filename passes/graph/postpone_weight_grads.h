// The order of the backward pass, as recompute needs it.
#pragma once

#include "ir/graph/graph.h"

namespace rnc {

// A graph that does the same, in which a weight gradient that is the first to read a value of the forward
// pass comes after the next kernel that reads the value elementwise, as the shortcut's convolution comes
// before the ReLU's gradient of their common operand: so that kernel can compute the value again for both.
// What depends on the weight gradient, its update, comes with it. Costs memory for the gradient it reads,
// which is kept until then.
Graph postpone_weight_grads(const Graph& graph);

}  // namespace rnc
