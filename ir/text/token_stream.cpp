#include "ir/text/token_stream.h"

#include <fmt/format.h>

namespace rnc::text {

TokenStream::TokenStream(std::shared_ptr<const SourceFile> source, Language language)
    : lexer_(std::move(source), language) {
  current_ = lexer_.next();
  following_ = lexer_.next();
}

Token TokenStream::take() {
  Token token = std::move(current_);
  if (token.is("//")) slashes_ = token.location;
  current_ = std::move(following_);
  following_ = lexer_.next();
  return token;
}

bool TokenStream::take_if(std::string_view symbol) {
  if (!current_.is(symbol)) return false;
  take();
  return true;
}

Token TokenStream::expect(std::string_view symbol) {
  if (!current_.is(symbol)) unexpected(fmt::format("'{}'", symbol));
  return take();
}

Token TokenStream::expect(TokenKind kind, std::string_view what) {
  if (current_.kind != kind) unexpected(what);
  return take();
}

void TokenStream::expect_close(std::string_view symbol, const Token& open) {
  if (take_if(symbol)) return;
  fail({current_.location,
        fmt::format("expected '{}', found {}", symbol, current_.describe()),
        {{open.location, fmt::format("to close this '{}'", open.text), {}}}});
}

void TokenStream::unexpected(std::string_view expected) const {
  fail({current_.location, fmt::format("expected {}, found {}", expected, current_.describe()), {}});
}

// A malformed token is itself what is wrong, whatever was expected in its place.
void TokenStream::fail(Diagnostic diagnostic) const {
  if (current_.kind == TokenKind::malformed) diagnostic = {current_.location, current_.text, {}};
  if (current_.is("//")) diagnostic.message += fmt::format("; {}", kSlashes);
  if (slashes_ && slashes_.line == current_.location.line) {
    diagnostic.notes.push_back({slashes_, std::string(kSlashes), {}});
  }
  throw UserError(std::move(diagnostic));
}

void TokenStream::rewind(const Token& token) {
  lexer_.rewind(token);
  current_ = lexer_.next();
  following_ = lexer_.next();
}

void TokenStream::skip_newlines() {
  while (current_.kind == TokenKind::newline) take();
}

void TokenStream::end_of_statement() {
  if (current_.kind != TokenKind::newline && current_.kind != TokenKind::end && !current_.is("}")) {
    unexpected("end of line");
  }
}

bool TokenStream::at_reserved_word() const {
  return current_.kind == TokenKind::name && !current_.quoted && !is_plain_name(current_.text);
}

Nesting::Nesting(int& depth, int limit, const SourceLocation& location, std::string_view what)
    : depth_(depth) {
  if (++depth_ > limit) {
    throw UserError(location, fmt::format("{} are nested more than {} deep", what, limit));
  }
}

}  // namespace rnc::text
