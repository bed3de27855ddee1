// Comma-separated values as RFC 4180 has them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rnrun {

// Reads a text row by row. Fields may be quoted, and then have commas, line ends and doubled quotes in them. Lines end in LF
// or CRLF; a byte order mark and empty lines are passed over. Fields lose no spaces.
class CsvReader {
 public:
  // `text` must outlive it; `path` is for messages.
  CsvReader(std::string_view text, std::string path);
  // False at the end. `row` has at least one field. Throws Error "<path>:<line>: <what is wrong>".
  bool next(std::vector<std::string>& row);
  // On which the last row began, from 1.
  int64_t line() const { return line_; }
  [[noreturn]] void fail(const std::string& what) const;

 private:
  std::string field();
  std::string quoted();
  bool at_line_end() const { return rest_.empty() || rest_[0] == '\n' || rest_.starts_with("\r\n"); }
  void end_line();

  std::string_view rest_;
  std::string path_;
  int64_t line_ = 0;
  int64_t next_line_ = 1;
};

}  // namespace rnrun
