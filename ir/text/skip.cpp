#include "ir/text/skip.h"

#include <algorithm>
#include <array>

namespace rnc::text {

bool at_item(const TokenStream& tokens) {
  constexpr std::array<std::string_view, 5> words = {"include", "const", "inline", "block", "model"};
  const TokenKind next = tokens.following().kind;
  return (next == TokenKind::name || next == TokenKind::string) &&
         std::ranges::any_of(words, [&](auto word) { return tokens.current().is_word(word); });
}

void skip_item(TokenStream& tokens, const Token& first) {
  const size_t failed_at = tokens.current().offset;
  int line = first.location.line;
  for (tokens.rewind(first); tokens.current().kind != TokenKind::end; tokens.take()) {
    const Token& token = tokens.current();
    if (token.offset >= failed_at && token.location.line > line && at_item(tokens)) break;
    line = token.location.line;
  }
  tokens.rewind(tokens.current());
}

Statement skip_statement(TokenStream& tokens, const Token& first) {
  constexpr size_t most_names = 100;
  const size_t failed_at = tokens.current().offset;
  Statement result{.kind = Statement::Kind::failed, .location = first.location, .word = first.text};
  int braces = 0;
  int line = first.location.line;
  for (tokens.rewind(first); tokens.current().kind != TokenKind::end; tokens.take()) {
    const Token& token = tokens.current();
    const bool dedented = token.location.line > line && token.location.column <= first.location.column;
    const bool ends = token.kind == TokenKind::newline || token.is("}") || dedented;
    if (ends && braces == 0 && token.offset >= failed_at) break;
    if (token.is("{")) ++braces;
    if (token.is("}")) --braces;
    const bool is_named = tokens.following().is("=") || tokens.following().is(":");
    if (token.kind == TokenKind::name && is_named && result.body.size() < most_names) {
      result.body.push_back({.location = token.location, .name = token.text});
    }
    line = token.location.line;
  }
  tokens.rewind(tokens.current());
  return result;
}

}  // namespace rnc::text
