// Inputs and tensors of random networks, as floats hold them.
#pragma once

#include <cstdint>

#include "ir/graph/graph.h"
#include "ir/graph/interpreter.h"

namespace rnc::test {

// Arguments for all inputs of an entry. The optimizer's numbers are the module's, in double precision, as
// PyTorch's are; labels are below the number of columns of the predicted value.
Tensors network_inputs(const Module& module, const Graph& entry, int64_t batch, uint64_t seed);

// All tensors of the module but prepared ones: slots are zero, as before the first step; those that must be
// positive are.
Tensors network_tensors(const Module& module, uint64_t seed);

}  // namespace rnc::test
