// Where the parser continues after a syntax error.
#pragma once

#include "ir/text/syntax.h"
#include "ir/text/token_stream.h"

namespace rnc::text {

// At a line that can only begin an item, wherever it stands.
bool at_item(const TokenStream& tokens);

// From an item that began with `first` and failed at the current token to the next one.
void skip_item(TokenStream& tokens, const Token& first);

// From a statement that began with `first` and failed at the current token to its end: that of its line
// outside all brackets; or, where one was left open, the next line that is not indented more. The result
// stands in for it.
Statement skip_statement(TokenStream& tokens, const Token& first);

}  // namespace rnc::text
