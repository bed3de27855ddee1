// The tokens of a text, with one token of look-ahead, and what every part of the grammar asks of them.
#pragma once

#include <memory>
#include <string_view>

#include "ir/text/lexer.h"

namespace rnc::text {

// Throws UserError where the text is not what is expected.
class TokenStream {
 public:
  explicit TokenStream(std::shared_ptr<const SourceFile> source, Language language = Language::graph);

  const Token& current() const { return current_; }
  const Token& following() const { return following_; }
  Token take();
  bool take_if(std::string_view symbol);
  Token expect(std::string_view symbol);
  Token expect(TokenKind kind, std::string_view what);
  // The end of what `open` began.
  void expect_close(std::string_view symbol, const Token& open);
  [[noreturn]] void unexpected(std::string_view expected) const;
  void skip_newlines();
  // A statement ends with its line, its body or the file.
  void end_of_statement();
  // A word that can never be a name.
  bool at_reserved_word() const;
  // Back to `token`, as if no bracket were open there.
  void rewind(const Token& token);

 private:
  [[noreturn]] void fail(Diagnostic diagnostic) const;

  Lexer lexer_;
  Token current_;
  Token following_;
  SourceLocation slashes_;  // of the last // taken
};

// Counts a level of nesting while it lives.
class Nesting {
 public:
  Nesting(int& depth, int limit, const SourceLocation& location, std::string_view what);
  ~Nesting() { --depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  int& depth_;
};

}  // namespace rnc::text
