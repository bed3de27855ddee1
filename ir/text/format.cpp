#include "ir/text/format.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "ir/text/errors.h"
#include "ir/text/lexer.h"
#include "ir/text/parser.h"
#include "ir/text/text.h"

namespace rnc {
namespace {

using text::Token;
using text::TokenKind;

constexpr int kIndent = 2, kContinuation = 4;

// A token as it is written, or a comment, which has none.
struct Piece {
  std::optional<Token> token;
  std::string written;
  int line_breaks = 0;  // before it
  bool is_comment() const { return !token; }
  bool is(std::string_view symbol) const { return token && token->is(symbol); }
  bool is_word(std::string_view word) const { return token && token->is_word(word); }
  bool is_kind(TokenKind kind) const { return token && token->kind == kind; }
};

bool is_operator_word(const Piece& piece) {
  constexpr std::array<std::string_view, 8> kWords = {"if",     "for", "in", "else",
                                                      "return", "and", "or", "not"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return piece.is_word(word); });
}

bool opens(const Piece& p) { return p.is("(") || p.is("["); }
bool closes(const Piece& p) { return p.is(")") || p.is("]"); }

// Where the token that begins at `begin` ends: before blanks, a comment or the next token.
size_t end_of(const std::string& all, const Token& token, size_t next) {
  size_t end = token.offset + 1;
  const char quote = all[token.offset];
  if (token.kind == TokenKind::string || token.quoted) {
    while (end < next && all[end] != quote)
      end += token.kind == TokenKind::string && all[end] == '\\' ? 2 : 1;
    return std::min(end + 1, next);
  }
  while (end < next && std::string_view(" \t\r\n#").find(all[end]) == std::string_view::npos) ++end;
  return end;
}

class Pieces {
 public:
  explicit Pieces(const std::shared_ptr<const SourceFile>& source) : all_(source->text) {
    std::vector<Token> tokens;
    text::Lexer lexer(source);
    do {
      tokens.push_back(lexer.next());
      if (tokens.back().kind == TokenKind::newline) tokens.pop_back();
    } while (tokens.empty() || tokens.back().kind != TokenKind::end);
    size_t at = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const bool last = tokens[i].kind == TokenKind::end;
      comments(at, last ? all_.size() : tokens[i].offset);
      if (last) break;
      const size_t next = tokens[i + 1].kind == TokenKind::end ? all_.size() : tokens[i + 1].offset;
      at = end_of(all_, tokens[i], next);
      add(tokens[i], all_.substr(tokens[i].offset, at - tokens[i].offset));
    }
  }
  const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  void add(std::optional<Token> token, std::string written) {
    pieces_.push_back({std::move(token), std::move(written), breaks_});
    breaks_ = 0;
  }
  // Of the blanks and comments in between.
  void comments(size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at) {
      if (all_[at] == '\n') ++breaks_;
      if (all_[at] != '#') continue;
      const size_t stop = std::min(all_.find('\n', at), end);
      const size_t last = all_.find_last_not_of(" \t\r", stop - 1);
      add({}, all_.substr(at, last + 1 - at));
      at = stop - 1;
    }
  }

  const std::string& all_;
  std::vector<Piece> pieces_;
  int breaks_ = 0;
};

class Formatter {
 public:
  explicit Formatter(const std::vector<Piece>& pieces) : pieces_(pieces) {}

  std::string run() {
    for (size_t i = 0; i < pieces_.size(); ++i) {
      const Piece& piece = pieces_[i];
      if (piece.is("}") && depth_ > 0) --depth_;
      if (i == 0 || piece.line_breaks > 0) {
        begin_line(i);
      } else if (piece.is_comment() || piece.is("@")) {
        out_ += "  ";
      } else if (spaced(i)) {
        out_ += ' ';
      }
      out_ += piece.written;
      track(i);
    }
    return out_ + "\n";
  }

 private:
  struct Bracket {  // columns of lines that begin inside it, and with what closes it
    size_t inside, closing;
  };

  void begin_line(size_t i) {
    if (i > 0) {
      const bool inside = pieces_[i - 1].is("{") || pieces_[i].is("}");
      out_ += pieces_[i].line_breaks > 1 && !inside ? "\n\n" : "\n";
    }
    line_begin_ = out_.size();
    const size_t column = brackets_.empty()    ? static_cast<size_t>(kIndent * depth_)
                          : closes(pieces_[i]) ? brackets_.back().closing
                                               : brackets_.back().inside;
    out_.append(column, ' ');
  }

  // Notes brackets and braces.
  void track(size_t i) {
    const Piece& piece = pieces_[i];
    if (piece.is("{")) ++depth_;
    if (opens(piece)) {
      const auto indent = static_cast<size_t>(kIndent * depth_), behind = out_.size() - line_begin_;
      const bool follows = i + 1 < pieces_.size() && pieces_[i + 1].line_breaks == 0;
      brackets_.push_back(follows ? Bracket{behind, behind - 1} : Bracket{indent + kContinuation, indent});
    }
    if (closes(piece) && !brackets_.empty()) brackets_.pop_back();
  }

  bool is_unary_minus(size_t i) const {
    if (!pieces_[i].is("-")) return false;
    if (i == 0) return true;
    const Piece& before = pieces_[i - 1];
    return is_operator_word(before) || (before.is_kind(TokenKind::symbol) && !closes(before));
  }

  // Whether there is a space between this piece and the one before it in its line.
  bool spaced(size_t i) const {
    const Piece &a = pieces_[i - 1], &b = pieces_[i];
    if (b.is(",") || closes(b) || opens(a)) return false;
    if (is_unary_minus(i - 1)) return false;
    if (opens(b))
      return is_operator_word(a) || (a.is_kind(TokenKind::symbol) && !closes(a)) || after_statement_word(i);
    const bool number = a.is_kind(TokenKind::integer), in_brackets = !brackets_.empty();
    if (b.is(":")) return !number && !in_brackets;
    if (a.is(":")) return i < 2 || !pieces_[i - 2].is_kind(TokenKind::integer);
    return true;
  }
  // A list after a word that opens a statement: classes ["cat", "dog"].
  bool after_statement_word(size_t i) const {
    const bool opens_line = i >= 1 && (i == 1 || pieces_[i - 1].line_breaks > 0 || pieces_[i - 2].is("{"));
    return pieces_[i].is("[") && opens_line && pieces_[i - 1].is_word("classes");
  }

  const std::vector<Piece>& pieces_;
  std::string out_;
  std::vector<Bracket> brackets_;  // that are open
  int depth_ = 0;
  size_t line_begin_ = 0;
};

// Throws what keeps it from being read.
void check_syntax(const std::shared_ptr<const SourceFile>& source) {
  text::Errors errors;
  try {
    text::parse_file(source, errors);
  } catch (const UserError& error) {
    errors.add(error.diagnostic());
  } catch (const text::LimitExceeded& error) {
    errors.add(error.diagnostic);
  } catch (const text::Stop&) {
  }
  errors.throw_any();
}

bool same_tokens(const std::vector<Piece>& a, const std::vector<Piece>& b) {
  return std::ranges::equal(a, b, {}, &Piece::written, &Piece::written);
}

}  // namespace

std::string format(const std::shared_ptr<const SourceFile>& source) {
  text::check_is_text(source);
  check_syntax(source);
  const Pieces pieces(source);
  std::string result = Formatter(pieces.pieces()).run();
  const auto again = std::make_shared<const SourceFile>(SourceFile{source->name, result});
  check(same_tokens(pieces.pieces(), Pieces(again).pieces()), "formatting changes no token");
  return result;
}

}  // namespace rnc
