// Everything that a source file and its includes define.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/text/errors.h"
#include "ir/text/syntax.h"

namespace rnc::text {

struct Library {
  std::map<std::string, std::shared_ptr<const Definition>, std::less<>> blocks;
  std::vector<Item> constants;  // in the order they are defined
  std::shared_ptr<const Definition> model;
};

// Reads `source` and all it includes, each file once. Syntax errors, files that cannot be read or include
// themselves, and second definitions of a name go to `errors`. Throws Stop where a whole item is missing.
Library load_library(const std::shared_ptr<const SourceFile>& source, Errors& errors);

}  // namespace rnc::text
