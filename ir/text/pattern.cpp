#include "ir/text/pattern.h"

namespace rnc::text {
namespace {

// Goes back to the last `*` where it fails and lets that one stand for a character more: linear in practice,
// and at most the product of both lengths.
bool fits_whole(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0;
  size_t star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

bool fits(std::string_view pattern, std::string_view name) {
  return fits_whole(pattern, name) || fits_whole(std::string(pattern) + ".*", name);
}

}  // namespace rnc::text
