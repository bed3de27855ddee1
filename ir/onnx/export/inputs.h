// The inputs of the file: the entry's, or, of bytes that are to come normalised, f32.
#pragma once

#include <string>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc::onnx {

struct FileInput {
  ValueId argument;  // of the entry
  ValueId value;     // what the input's tensor stands for: the argument, or what normalize makes of it
  std::string doc;   // what its numbers are, of images
};

struct FileInputs {
  std::vector<FileInput> inputs;
  std::vector<bool> is_outside;  // by value of the graph: computed before the model's inputs
};

// Throws UserError: where float_input finds no input of bytes, or one that is not, or not only, normalised; where an
// input has a type that ONNX has not.
FileInputs file_inputs(const Graph& graph, bool float_input);

}  // namespace rnc::onnx
