#include "runtime/report/json_file.h"

#include <fmt/format.h>

#include <sstream>

#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

using nlohmann::ordered_json;

namespace {

ordered_json parse(std::string_view text, const std::string& path) {
  ordered_json value = ordered_json::parse(text, nullptr, false);
  if (!value.is_object())
    throw Error(fmt::format("{} is damaged: not a JSON object where one should be", path));
  return value;
}

}  // namespace

ordered_json read_json(const std::string& path) { return parse(file_text(path), path); }

std::vector<ordered_json> read_json_lines(const std::string& path) {
  std::vector<ordered_json> lines;
  std::istringstream in(file_text(path));
  for (std::string line; std::getline(in, line);) lines.push_back(parse(line, path));
  return lines;
}

}  // namespace rnrun
