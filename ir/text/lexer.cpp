#include "ir/text/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace rnc::text {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '%';
}
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }

// Words that the grammar needs; every other word is only special where it opens a statement.
constexpr std::array<std::string_view, 8> kReserved = {"if",    "else", "return", "true",
                                                       "false", "and",  "or",     "not"};

// What to write instead of a character that other languages have.
std::string_view hint_for(char c) {
  switch (c) {
    case '\'':
      return "; a string stands in double quotes";
    case ';':
      return "; a statement ends with its line";
    case '&':
      return "; write `and`";
    case '!':
      return "; write `not`";
    case '\\':
      return "; inside ( ) and [ ] a statement goes on in the next line";
    default:
      return {};
  }
}

}  // namespace

size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xc2 ? 0
                        : lead < 0xe0 ? 2
                        : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4
                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool beyond = (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf4 && byte(1) > 0x8f);
  return overlong || beyond ? 0 : length;
}

void check_is_text(const std::shared_ptr<const SourceFile>& file) {
  const std::string_view text = file->text;
  int line = 1;
  size_t line_begin = 0;
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const size_t length = utf8_length(text.substr(i));
    if (length == 0 || (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
      throw UserError({file, line, static_cast<int>(i - line_begin) + 1},
                      fmt::format("this is not a text file: it holds the byte 0x{:02x}", c));
    }
    i += length;
    if (c == '\n') {
      ++line;
      line_begin = i;
    }
  }
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    throw UserError({file, 1, 1}, "the file is empty");
  }
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || !is_name_start(name[0]) || name.back() == '.' || name == "%") return false;
  for (size_t i = 1; i < name.size(); ++i) {
    if (!is_name_part(name[i]) && (name[i] != '.' || name[i - 1] == '.')) return false;
  }
  return std::find(kReserved.begin(), kReserved.end(), name) == kReserved.end();
}

std::string quote_name(std::string_view name) {
  return is_plain_name(name) ? std::string(name) : fmt::format("`{}`", name);
}

std::string quote_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string Token::describe() const {
  switch (kind) {
    case TokenKind::newline:
      return "end of line";
    case TokenKind::end:
      return "end of file";
    case TokenKind::string:
      return quote_string(text);
    default:
      return fmt::format("'{}'", text);
  }
}

Lexer::Lexer(std::shared_ptr<const SourceFile> file, Language language)
    : file_(std::move(file)), language_(language) {
  check_is_text(file_);
}

char Lexer::peek(size_t ahead) const {
  return position_ + ahead < file_->text.size() ? file_->text[position_ + ahead] : '\0';
}

SourceLocation Lexer::here() const { return {file_, line_, static_cast<int>(position_ - line_begin_) + 1}; }

void Lexer::skip_comment() {
  const size_t begin = position_ + (peek(1) == ' ' ? 2 : 1);
  while (peek() != '\n' && peek() != '\0') ++position_;
  if (language_ != Language::loops) return;
  std::string_view line = std::string_view(file_->text).substr(begin, position_ - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  comment_ += (comment_.empty() ? "" : "\n") + std::string(line);
}

// Skips blanks and comments, and line ends where they mean nothing.
void Lexer::skip_blanks() {
  for (;; ++position_) {
    if (peek() == '#') skip_comment();
    if (peek() == '\n' && open_brackets_ > 0) {
      ++line_;
      line_begin_ = position_ + 1;
    } else if (peek() != ' ' && peek() != '\t' && peek() != '\r') {
      return;
    }
  }
}

Token Lexer::next() {
  skip_blanks();
  const size_t offset = position_;
  Token token = scan();
  token.offset = offset;
  token.comment = std::exchange(comment_, {});
  return token;
}

void Lexer::rewind(const Token& token) {
  position_ = token.offset;
  line_ = token.location.line;
  line_begin_ = token.offset - static_cast<size_t>(token.location.column - 1);
  open_brackets_ = 0;
}

Token Lexer::start(TokenKind kind) const {
  Token token;
  token.kind = kind;
  token.location = here();
  return token;
}

Token Lexer::malformed(const SourceLocation& location, std::string why) const {
  Token token;
  token.kind = TokenKind::malformed;
  token.text = std::move(why);
  token.location = location;
  return token;
}

Token Lexer::scan() {
  const char c = peek();
  if (c == '\0') return start(TokenKind::end);
  if (c == '\n') {
    Token token = start(TokenKind::newline);
    ++position_;
    ++line_;
    line_begin_ = position_;
    return token;
  }
  if (language_ == Language::loops && c == '%' && !is_name_part(peek(1))) return symbol();
  if (is_name_start(c)) return name();
  if (c == '`') return quoted_name();
  if (is_digit(c)) return number();
  if (c == '"') return string();
  return symbol();
}

Token Lexer::name() {
  Token token = start(TokenKind::name);
  const size_t begin = position_;
  while (is_name_part(peek()) || (peek() == '.' && is_name_part(peek(1)))) ++position_;
  token.text = file_->text.substr(begin, position_ - begin);
  if (token.text.size() > kMaxNameBytes) {
    return malformed(token.location, fmt::format("this name is longer than {} characters", kMaxNameBytes));
  }
  if (token.text == "%") return malformed(token.location, "unexpected character '%'");
  return token;
}

Token Lexer::quoted_name() {
  Token token = start(TokenKind::name);
  token.quoted = true;
  const size_t begin = ++position_;
  while (peek() != '`' && peek() != '\n' && peek() != '\0') ++position_;
  token.text = file_->text.substr(begin, position_ - begin);
  if (peek() != '`') return malformed(token.location, "this name has no closing backquote");
  ++position_;
  if (token.text.empty()) return malformed(token.location, "this name is empty");
  if (token.text.size() > kMaxNameBytes) {
    return malformed(token.location, fmt::format("this name is longer than {} characters", kMaxNameBytes));
  }
  return token;
}

Token Lexer::number() {
  Token token = start(TokenKind::integer);
  const size_t begin = position_;
  const auto digits = [&] {
    while (is_digit(peek())) ++position_;
  };
  digits();
  if (peek() == '.' && is_digit(peek(1))) {
    token.kind = TokenKind::real;
    ++position_;
    digits();
  }
  const size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
  if ((peek() == 'e' || peek() == 'E') && is_digit(peek(1 + sign))) {
    token.kind = TokenKind::real;
    position_ += 1 + sign;
    digits();
  }
  token.text = file_->text.substr(begin, position_ - begin);
  const bool range = language_ == Language::loops && peek() == '.' && peek(1) == '.';
  if (is_name_start(peek()) || (peek() == '.' && !range)) {
    return malformed(token.location, fmt::format("malformed number '{}{}'", token.text, peek()));
  }
  const char* first = token.text.data();
  const char* last = first + token.text.size();
  const std::errc error = token.kind == TokenKind::integer ? std::from_chars(first, last, token.integer).ec
                                                           : std::from_chars(first, last, token.real).ec;
  if (error == std::errc()) return token;
  return malformed(token.location,
                   token.kind == TokenKind::integer
                       ? fmt::format("the integer {} is too large (the limit is 2^63 - 1)", token.text)
                       : fmt::format("the number {} is outside the range of a double", token.text));
}

Token Lexer::string() {
  Token token = start(TokenKind::string);
  std::optional<Token> error;
  for (++position_; peek() != '"'; ++position_) {
    if (peek() == '\n' || peek() == '\0')
      return malformed(token.location, "this string has no closing quote");
    if (peek() != '\\') {
      token.text += peek();
    } else {
      const char escape = peek(1);
      if (escape == 'n' || escape == 't' || escape == '"' || escape == '\\') {
        token.text += escape == 'n' ? '\n' : escape == 't' ? '\t' : escape;
        ++position_;
      } else if (!error) {
        error = malformed(here(), "unknown escape in a string; known are \\n \\t \\\" \\\\");
      }
    }
    if (token.text.size() > kMaxStringBytes && !error) {
      error = malformed(token.location, fmt::format("this string is longer than {} bytes", kMaxStringBytes));
    }
  }
  ++position_;
  return error.value_or(token);
}

Token Lexer::symbol() {
  Token token = start(TokenKind::symbol);
  const std::string_view rest = std::string_view(file_->text).substr(position_);
  if (rest.starts_with("/*")) {
    position_ += 2;
    return malformed(token.location, "a comment begins with # and ends with its line");
  }
  const bool loops = language_ == Language::loops;
  for (const std::string_view two : {"==", "!=", "<=", ">=", "//", ".."}) {
    if (rest.substr(0, 2) == two && (two != ".." || loops)) token.text = two;
  }
  const std::string_view one = loops ? "()[]{},:=<>+-*/|@%" : "()[]{},:=<>+-*/|@";
  if (token.text.empty() && one.find(rest[0]) != std::string_view::npos) {
    token.text = rest[0];
  }
  if (token.text.empty()) {
    const std::string_view character = rest.substr(0, std::max<size_t>(utf8_length(rest), 1));
    position_ += character.size();
    return malformed(token.location,
                     fmt::format("unexpected character '{}'{}", character, hint_for(rest[0])));
  }
  if (token.is("(") || token.is("[")) ++open_brackets_;
  if ((token.is(")") || token.is("]")) && open_brackets_ > 0) --open_brackets_;
  position_ += token.text.size();
  return token;
}

}  // namespace rnc::text
