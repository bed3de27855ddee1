// Builds the syntax tree of a text. Knows the grammar (ir/README.md) and nothing of operations.
#pragma once

#include <memory>

#include "ir/text/syntax.h"

namespace rnc::text {

inline constexpr int kMaxExpressionDepth = 200;
inline constexpr int kMaxBodyDepth = 64;
inline constexpr int kMaxExpressions = 2'000'000;

// Throws UserError at the first syntax error, or where the text exceeds a limit above.
File parse_file(std::shared_ptr<const SourceFile> source);
// A text that is one expression and nothing else.
Expr parse_expression(std::shared_ptr<const SourceFile> source);

}  // namespace rnc::text
