// rnc --weights: trained weights become part of the library, which then holds inference alone and needs no
// tensors from its host.
#pragma once

#include <string>

#include "ir/interpreter.h"
#include "passes/pipeline.h"

namespace rnc {

// Reads the f32 tensors of a safetensors file (https://github.com/huggingface/safetensors), such as a
// checkpoint or a converted state_dict. Tensors of other types are left out. Throws UserError naming the file
// when it cannot be read or is not what its header says.
Tensors read_weights(const std::string& path);

// Takes from `weights` the parameters and buffers of the module; what belongs to training (optimizer slots,
// averages, num_batches_tracked) is passed over. Throws UserError naming every missing and misshapen tensor,
// and those that fit no name of the module.
Tensors fitting_weights(const Module& module, const Tensors& weights, const std::string& path);

// What is left of a module when only inference is wanted: no loss, no optimizer. Does nothing to a module
// whose entries are derived.
void reduce_to_inference(Module& module);

// Makes the weights constants of the lowered program: entry prepare is evaluated, in double precision, and of
// the entries only infer is left, which reads no tensor of its host. `module` loses its tensors.
void embed_weights(Compilation& compilation, const Tensors& weights);

}  // namespace rnc
