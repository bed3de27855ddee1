// The canonical form of a text: what rnc --format writes.
#pragma once

#include <memory>
#include <string>

#include "ir/graph/diagnostics.h"

namespace rnc {

// The same statements in the same lines, with comments: indented by their braces, or behind the bracket that is open;
// one space where there is to be one; at most one empty line in a row. Throws UserError where the text is no spec or
// dump. format(format(x)) is format(x), and what it parses to stays but for columns.
std::string format(const std::shared_ptr<const SourceFile>& source);

}  // namespace rnc
