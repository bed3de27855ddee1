// The layers of a module, for reports.
#pragma once

#include <vector>

#include "ir/graph/graph.h"
#include "ir/loops/layer.h"

namespace rnc {

// The nodes of the forward pass (entry "model", or "infer" where derived), in execution order. Empty if the
// module has neither.
std::vector<Layer> layers_of(const Module& module);

}  // namespace rnc
