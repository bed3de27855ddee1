// Errors and source locations, for every layer of the compiler.
//
// Two kinds of error, never mixed:
//   - a user's mistake throws UserError, which the driver prints as
//         file:line:col: error: message
//         <the source line>
//              ^
//     and exits with status 1;
//   - a bug is a failed check(), which prints where and aborts.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace rnc {

// A text that locations point into. Owned jointly by every location in it.
struct SourceFile {
  std::string name;  // as the user gave it
  std::string text;
};

// A place in a source text; line and column count from 1. An empty `file` means "no place known".
struct SourceLocation {
  std::shared_ptr<const SourceFile> file;
  int line = 0;
  int column = 0;

  explicit operator bool() const { return file != nullptr; }
  // "file:line:col", or "" where no place is known.
  std::string str() const;
};

// One message at one place, with optional notes ("note: ...") at others.
struct Diagnostic {
  SourceLocation location;
  std::string message;
  std::vector<Diagnostic> notes;

  // The full text as printed, ending in a newline: "file:1:2: error: ...", the line, the caret, then the
  // notes.
  std::string render() const;
};

// A user's mistake, or all those of one text (ir/text/errors.h). what() is the first one's message without
// its place.
class UserError : public std::exception {
 public:
  explicit UserError(Diagnostic diagnostic) : diagnostics_{std::move(diagnostic)} {}
  UserError(SourceLocation location, std::string message)
      : diagnostics_{{std::move(location), std::move(message), {}}} {}
  // The first of `count` mistakes; at least one.
  UserError(std::vector<Diagnostic> first, size_t count) : diagnostics_(std::move(first)), count_(count) {}
  const Diagnostic& diagnostic() const { return diagnostics_.front(); }  // the first
  const char* what() const noexcept override { return diagnostic().message.c_str(); }
  // The full text as printed; of several mistakes, the last line says how many.
  std::string render() const;

 private:
  std::vector<Diagnostic> diagnostics_;
  size_t count_ = 1;
};

// Aborts with `what` and the caller's place when `condition` is false: a bug of ours, not the user's.
void check(bool condition, std::string_view what,
           std::source_location where = std::source_location::current());
[[noreturn]] void unreachable(std::string_view what,
                              std::source_location where = std::source_location::current());

// While it lives, a failed check on its thread also prints what `describe` returns: what the compiler was
// doing and on what. Notes nest; the innermost is printed first.
class FailureNote {
 public:
  explicit FailureNote(std::function<std::string()> describe);
  ~FailureNote();
  FailureNote(const FailureNote&) = delete;
  FailureNote& operator=(const FailureNote&) = delete;

 private:
  friend void unreachable(std::string_view what, std::source_location where);
  std::function<std::string()> describe_;
  FailureNote* outer_;
};

// What a size that comes from a user may be at most.
inline constexpr int64_t kLargestSize = int64_t{1} << 48;
// a * b for such sizes: throws UserError(location, "... is too large") beyond that.
int64_t checked_product(int64_t a, int64_t b, const SourceLocation& location, std::string_view what);

}  // namespace rnc
