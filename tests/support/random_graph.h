// Random small networks and data for differential tests: convolutions with odd channel counts, strides,
// padding, dilation and groups, batch norm, ReLU, shortcuts, pools and a linear head. A test that fails prints the seed.
#pragma once

#include <cstdint>

#include "ir/graph/graph.h"
#include "ir/graph/interpreter.h"

namespace rnc::test {

// A module with one entry, "model", that predicts "fc" and has a cross-entropy loss; trained by sgd or adam.
// The same for the same seed. Up to 8 channels; `wide`: as many as vectors have lanes, about.
Module random_module(uint64_t seed, bool wide = false);

// Values for the arguments of an entry: u8 images, labels below the number of classes, small positive
// scalars.
Tensors random_inputs(const Module& module, const Graph& entry, int64_t batch, uint64_t seed);

// Values for all of the module's tensors: variances and squared slots positive, gradients small; prepared
// tensors are left out, as entry prepare computes them.
Tensors random_tensors(const Module& module, uint64_t seed);

}  // namespace rnc::test
