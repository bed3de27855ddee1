#include "runtime/data/readers/csv.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

constexpr size_t kMaxFields = 100'000;  // in a row

}  // namespace

CsvReader::CsvReader(std::string_view text, std::string path) : rest_(text), path_(std::move(path)) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
}

void CsvReader::fail(const std::string& what) const {
  throw Error(fmt::format("{}:{}: {}", path_, line_, what));
}

bool CsvReader::next(std::vector<std::string>& row) {
  row.clear();
  while (!rest_.empty() && at_line_end()) end_line();
  if (rest_.empty()) return false;
  line_ = next_line_;
  row.push_back(field());
  while (!at_line_end()) {
    rest_.remove_prefix(1);  // a comma
    if (row.size() == kMaxFields) fail(fmt::format("more than {} fields", kMaxFields));
    row.push_back(field());
  }
  end_line();
  return true;
}

void CsvReader::end_line() {
  if (rest_.empty()) return;
  rest_.remove_prefix(rest_[0] == '\r' ? 2 : 1);
  ++next_line_;
}

// Up to a comma or the line's end.
std::string CsvReader::field() {
  if (rest_.starts_with('"')) return quoted();
  size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
  if (end < rest_.size() && rest_[end] == '\n' && end > 0 && rest_[end - 1] == '\r') --end;
  std::string text(rest_.substr(0, end));
  if (text.find('"') != std::string::npos)
    fail("a quote within a field that does not begin with one: write \"\" in quotes");
  rest_.remove_prefix(end);
  return text;
}

std::string CsvReader::quoted() {
  std::string text;
  for (rest_.remove_prefix(1);;) {
    const size_t end = rest_.find('"');
    if (end == std::string_view::npos) fail("a quoted field does not end");
    text += rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    if (!rest_.starts_with('"')) break;
    text += '"';
    rest_.remove_prefix(1);
  }
  next_line_ += std::ranges::count(text, '\n');
  if (!at_line_end() && rest_[0] != ',') fail("text behind a quoted field");
  return text;
}

}  // namespace rnrun
