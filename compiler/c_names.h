// What headers in C are made of: names, types and declarations of a model's inputs and outputs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc {

// What is given to a function that is made, or comes from it.
struct Argument {
  std::string name;        // in the model
  std::string identifier;  // in the header
  Type type;
};
// Gives each a name that C takes and that no other has.
std::vector<Argument> with_identifiers(std::vector<Argument> arguments);
// Whether who calls gives it: scalars that have a default need not be.
bool must_be_given(const Node& node);

// With what cannot stand in a name of C as underscores.
std::string identifier(std::string_view name);
// Whether names of C can begin with it.
bool is_c_identifier(const std::string& name);
std::string upper(std::string text);
std::string_view c_type(DType dtype);
// A string literal.
std::string quoted(std::string_view text);
// A parameter: const uint8_t image[][3][224][224]
std::string declaration(const Argument& a, bool is_output);
// #define PREFIX_IMAGE_SIZE: what one sample of each has, and so an array of n samples n times.
std::string size_macros(const std::string& prefix, const std::vector<Argument>& arguments);
// PREFIX_CLASS_COUNT and prefix_class_name; nothing if there are no names.
std::string class_names(const std::string& prefix, const std::vector<std::string>& classes);

}  // namespace rnc
