// Everything a source file and its includes define.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/text/syntax.h"

namespace rnc::text {

struct Library {
  std::map<std::string, std::shared_ptr<const Definition>, std::less<>> blocks;
  std::vector<Item> constants;  // in the order they are defined
  std::shared_ptr<const Definition> model;
};

// Reads `source` and all it includes, each file once. Throws UserError on a syntax error, a file that cannot
// be read or includes itself, a second definition of a name, and where there is no model.
Library load_library(const std::shared_ptr<const SourceFile>& source);

}  // namespace rnc::text
