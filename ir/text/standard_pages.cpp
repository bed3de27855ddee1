// The blocks of std.graph as pages of their text.
#include <algorithm>
#include <sstream>

#include "ir/text/library.h"

namespace rnc::text {

std::vector<StandardBlock> standard_pages() {
  std::vector<StandardBlock> pages;
  std::istringstream lines{std::string(standard_text())};
  std::string line, comment, body;
  bool inside = false;
  while (std::getline(lines, line)) {
    if (line.starts_with("# ---")) {
      comment.clear();
      continue;
    }
    const bool begins = line.starts_with("block ") || line.starts_with("inline block ");
    if (begins) {
      const size_t name = line.find("block ") + 6;
      const std::string call = line.substr(name, line.rfind(") {") + 1 - name);
      pages.push_back({call.substr(0, call.find('(')), call, comment + line + "\n"});
      inside = !line.ends_with("}");
      comment.clear();
    } else if (inside) {
      pages.back().text += line + "\n";
      inside = line != "}";
    } else {
      comment = line.starts_with("#") ? comment + line + "\n" : "";
    }
  }
  std::ranges::sort(pages, {}, &StandardBlock::name);
  return pages;
}

}  // namespace rnc::text
