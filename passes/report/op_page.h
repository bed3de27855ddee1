// The pages of rnc --ops: what the operation table says of an operation, for people.
#pragma once

#include <string>
#include <string_view>

namespace rnc {

// One line per operation: its name and what it computes.
std::string list_ops();
// What the operation computes, its operands, attributes, result and gradient, as far as its row tells.
// Throws UserError for an unknown name.
std::string op_page(std::string_view name);

}  // namespace rnc
