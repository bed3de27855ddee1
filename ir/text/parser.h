// Builds the syntax tree of a text. Knows the grammar (ir/README.md) and nothing of operations.
#pragma once

#include <memory>

#include "ir/text/errors.h"
#include "ir/text/syntax.h"

namespace rnc::text {

inline constexpr int kMaxExpressionDepth = 200;
inline constexpr int kMaxBodyDepth = 64;
inline constexpr int kMaxExpressions = 2'000'000;

// The language that is read. A file may say at its head which it is written in: language 1.
inline constexpr int64_t kLanguage = 1;

// Adds syntax errors to `errors` and goes on behind the statement or item that has one. Throws LimitExceeded
// where the text has too many expressions, UserError where it is no text.
File parse_file(std::shared_ptr<const SourceFile> source, Errors& errors);
// A text that is one expression and nothing else; throws UserError.
Expr parse_expression(std::shared_ptr<const SourceFile> source);

}  // namespace rnc::text
