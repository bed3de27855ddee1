// The drawing of --emit=dot, for graphviz: rnc --emit=dot model.graph | dot -Tsvg > model.svg
#pragma once

#include <string>

#include "ir/graph.h"

namespace rnc {

// Every entry as a drawing of its own: operations as boxes with the tensors they read, scopes ("layer1",
// within it "0") and fused kernels as frames, types on the edges.
std::string dot(const Module& module);

}  // namespace rnc
