// What is compiled, as it was read: from a spec or a dump, a file in ONNX's format, or loop IR.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/compile.h"
#include "ir/graph/interpreter.h"
#include "ir/graph/tensor_values.h"
#include "passes/report/layers.h"

namespace rnc {

// Before the passes, and without what depends on the machine that code is for.
struct Input {
  Compilation compilation;
  uint64_t hash = 0;  // graph_hash
  std::vector<Layer> layers;
  Tensors weights;      // that become part of the code
  TensorValues values;  // that came with the model
};

// Throw UsageError where options do not go with the input, UserError where it or the weights are at fault.
Input read_graph(const Request& request);
Input read_loops(const Request& request);

}  // namespace rnc
