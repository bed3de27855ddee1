// Files of weights for rnc --weights, and the file of those that came with a model.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/graph/interpreter.h"
#include "ir/graph/tensor_values.h"
#include "runtime/contract/safetensors.h"

namespace rnc {

// A safetensors file (https://github.com/huggingface/safetensors), such as a checkpoint or a converted
// state_dict.
struct Weights {
  std::string path;
  std::shared_ptr<const std::string> bytes;
  contract::Safetensors file;        // refers to `bytes`
  std::vector<std::string> classes;  // the names that a checkpoint has for the classes
};
// Throws UserError naming the file when it cannot be read or is not what its header says.
Weights read_weights(const std::string& path);

struct FittingWeights {
  Tensors tensors;
  std::vector<std::string> classes;
  std::map<contract::DType, int64_t> converted;  // how many of them were of another element type than f32
};
// Takes from `weights` the parameters and buffers of the module, in f32; of a checkpoint their moving
// averages, where it has some, as rnrun does. What belongs to training (optimizer slots, averages,
// num_batches_tracked) is passed over. Throws UserError naming every tensor that is missing, misshapen or of
// a type that is not converted, and those that fit no name of the module.
FittingWeights fitting_weights(const Module& module, const Weights& weights);

// The values that came with the module's parameters and buffers. Throws UserError where one has none.
Tensors own_weights(const Module& module, const TensorValues& values);
// The same as a safetensors file. Throws UserError where there are
// none.
std::string weights_file(const Module& module, const TensorValues& values);

}  // namespace rnc
