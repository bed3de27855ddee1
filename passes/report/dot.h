// The drawing of --emit=dot, for graphviz: rnc --emit=dot model.graph | dot -Tsvg > model.svg
#pragma once

#include <string>

#include "ir/graph/graph.h"

namespace rnc {

// Every entry as a drawing of its own: operations as boxes, scopes ("layer1", within it "0") and fused
// kernels as frames. What only passes one value on, such as batch norm and ReLU after a convolution, is a
// line in the box before it. A box ends with the type of its result where that differs from the type of its operand.
std::string dot(const Module& module);

}  // namespace rnc
