// The header of a model that is linked into a program: its sizes, class names and functions with its own types, over
// runtime/rnrun.h.
#pragma once

#include <string>

#include "ir/graph/graph.h"

namespace rnc {

// C11 and C++, for the object file (--emit=obj) of the same `link_name`, with which functions begin; else, with the
// module's name. `module` has its entries derived, before the optimizer's inputs are added. Names of the model become
// identifiers: a dot is an underscore.
std::string c_header(const Module& module, const std::string& link_name);

}  // namespace rnc
