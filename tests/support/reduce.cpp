#include "tests/support/reduce.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <regex>
#include <vector>

namespace rnc::test {
namespace {

using Lines = std::vector<std::string>;

Lines split(const std::string& text) {
  Lines lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

std::string joined(const Lines& lines) { return fmt::format("{}\n", fmt::join(lines, "\n")); }

// The matches of `pattern` in `line`.
std::vector<std::smatch> matches(const std::string& line, const std::regex& pattern) {
  return {std::sregex_iterator(line.begin(), line.end(), pattern), std::sregex_iterator()};
}

std::string replaced(const std::string& line, const std::smatch& match, const std::string& by) {
  std::string result = line;
  return result.replace(static_cast<size_t>(match.position()), static_cast<size_t>(match.length()), by);
}

// Line `at` taken away; what used its value uses one of its operands instead, one text for each.
std::vector<std::string> without_line(const Lines& lines, size_t at) {
  static const std::regex definition(R"(^\s*(\w+) = .*)"), operand(R"(\b(v\d+|p\d+(\.positive)?|image)\b)");
  Lines rest = lines;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  std::vector<std::string> texts = {joined(rest)};
  std::smatch defined;
  if (!std::regex_match(lines[at], defined, definition)) return texts;
  const std::string name = defined[1], expression = lines[at].substr(lines[at].find('='));
  for (const std::smatch& use : matches(expression, operand)) {
    texts.push_back(std::regex_replace(joined(rest), std::regex("\\b" + name + "\\b"), use.str()));
  }
  return texts;
}

// Simpler forms of a line, the simplest first.
Lines simpler(const std::string& line) {
  static const std::regex attribute(R"(, \w+ = (\[[^\]]*\]|[^,()]+))"), only(R"(\((\w+ = [^(),]+)\))"),
      argument(R"(\(\w+ = [^,()]+, )"), sum(R"((loss cross_entropy\(\w+, label).*)"),
      mixed(R"((loss )lambda \* (cross_entropy\(\w+, label).*)"), inputs(", label2: .*\\)"),
      first_channel(R"(\b(begin|before|after) = [1-9]\d*)"), word(R"([\w.]+)");
  Lines lines;
  std::smatch whole;
  if (std::regex_search(line, whole, sum)) lines.push_back("  " + whole[1].str() + ")");
  if (std::regex_search(line, whole, mixed)) lines.push_back("  " + whole[1].str() + whole[2].str() + ")");
  if (std::regex_search(line, whole, inputs)) lines.push_back(replaced(line, whole, ")"));
  if (line.starts_with("  train ")) lines.push_back("  train sgd()");
  for (const std::smatch& match : matches(line, attribute)) lines.push_back(replaced(line, match, ""));
  for (const std::smatch& match : matches(line, argument)) lines.push_back(replaced(line, match, "("));
  for (const std::smatch& match : matches(line, only)) lines.push_back(replaced(line, match, "()"));
  for (const std::smatch& match : matches(line, first_channel)) {
    lines.push_back(replaced(line, match, match[1].str() + " = 0"));
  }
  for (const std::smatch& match : matches(line, word)) {
    const std::string digits = match.str();
    if (digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos) continue;
    const int value = std::stoi(digits);
    for (const int smaller : {1, 2, value / 2, value - 1}) {
      if (smaller > 0 && smaller < value) lines.push_back(replaced(line, match, std::to_string(smaller)));
    }
  }
  std::erase(lines, line);
  return lines;
}

class Reducer {
 public:
  Reducer(std::string text, const std::function<bool(const std::string&)>& fails, int tries)
      : text_(std::move(text)), fails_(fails), tries_(tries) {}

  std::string run() {
    while (shorten() || simplify()) continue;
    return text_;
  }

 private:
  bool try_text(const std::string& candidate) {
    if (candidate == text_ || tries_ <= 0) return false;
    --tries_;
    if (!fails_(candidate)) return false;
    text_ = candidate;
    return true;
  }

  // From the last line up: what a line uses may then go, too.
  bool shorten() {
    bool any = false;
    for (size_t at = split(text_).size(); at-- > 0;) {
      const Lines lines = split(text_);
      if (at >= lines.size()) continue;
      for (const std::string& candidate : without_line(lines, at)) {
        if (!try_text(candidate)) continue;
        any = true;
        break;
      }
    }
    return any;
  }

  bool simplify() {
    bool any = false;
    for (size_t at = 0; at < split(text_).size(); ++at) {
      const Lines lines = split(text_);
      for (const std::string& line : simpler(lines[at])) {
        Lines candidate = lines;
        candidate[at] = line;
        if (!try_text(joined(candidate))) continue;
        any = true;
        --at;  // the same line again
        break;
      }
    }
    return any;
  }

  std::string text_;
  const std::function<bool(const std::string&)>& fails_;
  int tries_;
};

}  // namespace

std::string reduced(std::string text, const std::function<bool(const std::string&)>& fails, int tries) {
  return Reducer(std::move(text), fails, tries).run();
}

}  // namespace rnc::test
