// rnc --weights: trained weights become part of the library, which then holds inference alone and needs no weights from its
// host.
#pragma once

#include "ir/graph/interpreter.h"
#include "ir/graph/tensor_values.h"
#include "passes/pipeline.h"

namespace rnc {

// What is left of a module when only inference is wanted: no loss, no optimizer. Does nothing to a module
// whose entries are derived.
void reduce_to_inference(Module& module);

// Makes the weights constants of the lowered program, in the layout of its kernels: entry prepare is evaluated, in double
// precision, and of the entries only those are left that predict, which read no tensor of their host. `module` loses its
// tensors.
void embed_weights(Compilation& compilation, const Tensors& weights);

// The same where code for other targets, with other layouts, is to have the same weights: what is left reads prepared
// tensors, and their values are returned, for the descriptor (rn_tensor.values).
TensorValues share_weights(Compilation& compilation, const Tensors& weights);

}  // namespace rnc
