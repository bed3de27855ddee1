// What a program writes to its standard streams. A failed write to standard output stops nothing, least of all a
// training; it is reported at the end.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace rnrun {

// At the beginning: a standard stream that is closed stays so. Otherwise the next file that is opened would
// take its place, and what is printed.
void keep_standard_streams();

// To standard output.
template <class... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  const std::string text = fmt::format(format, std::forward<Args>(args)...);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// A line to standard error.
inline void print_message(std::string text) {
  text += '\n';
  std::fwrite(text.data(), 1, text.size(), stderr);
}

// From now on what is printed goes nowhere.
void discard_output();

// Lines for programs on standard output: while this lives, what is printed goes to standard error instead.
class LineOutput {
 public:
  LineOutput();
  ~LineOutput();
  LineOutput(const LineOutput&) = delete;
  LineOutput& operator=(const LineOutput&) = delete;
  // Writes a line at once.
  void line(const std::string& text);
  // As finish_output.
  void finish();

 private:
  std::FILE* out_;
  int failure_ = 0;  // errno of the first write that failed
};

// At the end: throws Error when not all has arrived that was written to standard output.
void finish_output();

}  // namespace rnrun
