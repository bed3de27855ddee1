// Which parameters are not trained: `freeze "layer1.*"` in a spec, --freeze on the command line.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc::text {

// A pattern and where it stands; no place: on the command line.
using FreezePattern = std::pair<std::string, SourceLocation>;

// Makes every parameter that a pattern fits a buffer, so that training leaves it as it is. A pattern fits a
// name, and a layer's name all that is in the layer; `*` stands for any characters. Throws UserError for a
// pattern that fits no parameter.
void freeze_parameters(Module& module, const std::vector<FreezePattern>& patterns);

}  // namespace rnc::text
