// The names of the classes that a file in ONNX does not have: `--classes FILE`, one name a line.
#pragma once

#include <string>

#include "ir/graph/graph.h"

namespace rnc::onnx {

// Gives the module the names in a file. Throws UserError where the file cannot be read, a line is empty or no text, or
// there are not as many names as the prediction has numbers for a sample (or for a pixel).
void read_classes(Module& module, const std::string& path);

}  // namespace rnc::onnx
