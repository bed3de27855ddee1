// Splits a source text into tokens, one at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ir/graph/diagnostics.h"

namespace rnc::text {

// The graph language or that of the loop IR, which has `..` and `%` too and keeps comments.
enum class Language : uint8_t { graph, loops };

enum class TokenKind : uint8_t { name, integer, real, string, symbol, newline, end, malformed };

// Names are dotted ("layer1.0.conv1"), may start with '%' where generated, or stand in backquotes and hold
// anything. A newline is a token only outside ( ) and [ ].
struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;  // name: without backquotes; string: its value; symbol: as written; malformed: why
  int64_t integer = 0;
  double real = 0;
  SourceLocation location;
  size_t offset = 0;    // in the text
  bool quoted = false;  // a name in backquotes is never a keyword
  std::string comment;  // loops: the lines of comment before it

  bool is(std::string_view symbol) const { return kind == TokenKind::symbol && text == symbol; }
  bool is_word(std::string_view word) const { return kind == TokenKind::name && !quoted && text == word; }
  // As a diagnostic names it: "'conv1'", "end of line", "end of file".
  std::string describe() const;
};

// Said where // seems to be meant otherwise.
inline constexpr std::string_view kSlashes = "// rounds a quotient down; a comment begins with #";

inline constexpr size_t kMaxNameBytes = 1024;
inline constexpr size_t kMaxStringBytes = 4096;

class Lexer {
 public:
  // Throws UserError if the file is empty or not UTF-8 text.
  explicit Lexer(std::shared_ptr<const SourceFile> file, Language language = Language::graph);
  // The next token; `end` for ever once the text is used up.
  Token next();
  // Goes back to `token`, as if no bracket were open there.
  void rewind(const Token& token);

 private:
  char peek(size_t ahead = 0) const;
  SourceLocation here() const;
  void skip_blanks();
  void skip_comment();
  Token start(TokenKind kind) const;
  Token malformed(const SourceLocation& location, std::string why) const;
  Token scan();
  Token name();
  Token quoted_name();
  Token number();
  Token string();
  Token symbol();

  std::shared_ptr<const SourceFile> file_;
  Language language_;
  std::string comment_;  // read, and no token's yet
  size_t position_ = 0;
  size_t line_begin_ = 0;
  int line_ = 1;
  int open_brackets_ = 0;
};

// Length of the UTF-8 sequence at the start of `text`, which is not empty; 0 where it is not valid.
size_t utf8_length(std::string_view text);
// Throws UserError unless `file` holds non-empty UTF-8 text without control characters.
void check_is_text(const std::shared_ptr<const SourceFile>& file);
// Whether `name` can stand in a text without backquotes.
bool is_plain_name(std::string_view name);
// The name as the lexer reads it back: in backquotes where needed.
std::string quote_name(std::string_view name);
// The string in double quotes, escaped.
std::string quote_string(std::string_view text);

}  // namespace rnc::text
