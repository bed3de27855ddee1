#include "ir/graph/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace rnc {
namespace {

// The text of line `number` (from 1) without its end; empty beyond the last.
std::string_view line_of(std::string_view text, int number) {
  size_t begin = 0;
  for (int line = 1; line < number; ++line) {
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return {};
    begin = end + 1;
  }
  std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// The length of the UTF-8 character that text begins with; 0 if it begins with none (RFC 3629, without its
// rules on surrogates and overlong forms, which a terminal can cope with).
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t length = byte(0) < 0x80   ? 1
                        : byte(0) < 0xc2 ? 0
                        : byte(0) < 0xe0 ? 2
                        : byte(0) < 0xf0 ? 3
                        : byte(0) < 0xf5 ? 4
                                         : 0;
  if (length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

// The line as a terminal can show it: tabs become blanks, control bytes and what is not UTF-8 '?', and no
// more than 160 bytes.
std::string printable(std::string_view line) {
  line = line.substr(0, 160);
  std::string shown;
  while (!line.empty()) {
    const size_t length = utf8_length(line);
    const auto first = static_cast<unsigned char>(line[0]);
    if (first == '\t') {
      shown += ' ';
    } else if (length == 0 || first < 0x20 || first == 0x7f) {
      shown += '?';
    } else {
      shown += line.substr(0, length);
    }
    line.remove_prefix(std::max<size_t>(length, 1));
  }
  return shown;
}

std::string render_one(const Diagnostic& diagnostic, std::string_view severity) {
  const SourceLocation& at = diagnostic.location;
  std::string text = at ? at.str() + ": " : std::string();
  text += fmt::format("{}: {}\n", severity, diagnostic.message);
  if (at && at.line > 0 && !at.file->text.empty()) {  // of a dump's origin only the file's name is known
    const std::string line = printable(line_of(at.file->text, at.line));
    const auto column = static_cast<size_t>(at.column > 0 ? at.column - 1 : 0);
    text += fmt::format("{}\n", line);
    if (column <= line.size()) text += std::string(column, ' ') + "^\n";
  }
  return text;
}

thread_local FailureNote* innermost_note = nullptr;

}  // namespace

FailureNote::FailureNote(std::function<std::string()> describe)
    : describe_(std::move(describe)), outer_(innermost_note) {
  innermost_note = this;
}

FailureNote::~FailureNote() { innermost_note = outer_; }

std::string SourceLocation::str() const {
  return file ? fmt::format("{}:{}:{}", file->name, line, column) : std::string();
}

std::string Diagnostic::render() const {
  std::string text = render_one(*this, "error");
  for (const Diagnostic& note : notes) text += render_one(note, "note");
  return text;
}

std::string UserError::render() const {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics_) text += diagnostic.render();
  if (count_ > diagnostics_.size()) {
    text += fmt::format("{} errors; the first {} are shown\n", count_, diagnostics_.size());
  } else if (count_ > 1) {
    text += fmt::format("{} errors\n", count_);
  }
  return text;
}

void check(bool condition, std::string_view what, std::source_location where) {
  if (!condition) unreachable(what, where);
}

void unreachable(std::string_view what, std::source_location where) {
  fmt::print(stderr, "{}:{}: internal error: {}\nThis is a bug in rnc.\n", where.file_name(), where.line(),
             what);
  // Each note is taken off before it speaks, so that one which fails itself is not asked again.
  while (FailureNote* note = innermost_note) {
    innermost_note = note->outer_;
    fmt::print(stderr, "{}", note->describe_());
  }
  std::abort();
}

int64_t checked_product(int64_t a, int64_t b, const SourceLocation& location, std::string_view what) {
  int64_t product = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product) || product > kLargestSize) {
    throw UserError(location, fmt::format("{} is too large", what));
  }
  return product;
}

}  // namespace rnc
