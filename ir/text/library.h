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
  // The blocks of std.graph. Those of the source stand before them.
  std::map<std::string, std::shared_ptr<const Definition>, std::less<>> standard;

  // Null where there is none.
  const Definition* find_block(std::string_view name) const;
};

// The text of std.graph, which is compiled in.
std::string_view standard_text();
inline constexpr std::string_view kStandardFile = "std.graph";
// A block there: how it is called, "se(x, mid = ...)", and its text with the comment before it.
struct StandardBlock {
  std::string name, call, text;
};
std::vector<StandardBlock> standard_pages();
// Its blocks.
std::map<std::string, std::shared_ptr<const Definition>, std::less<>> standard_blocks();

// Reads `source` and all it includes, each file once: relative to the file that includes it, or else from one of
// `include_paths`; std.graph is read in any case. Syntax errors, files that cannot be read or include
// themselves, and second definitions of a name go to `errors`. Throws Stop where a whole item is missing.
Library load_library(const std::shared_ptr<const SourceFile>& source,
                     const std::vector<std::string>& include_paths, Errors& errors);

}  // namespace rnc::text
