#include "passes/report/remarks.h"

#include <fmt/format.h>

namespace rnc {

std::string str(const Remarks& remarks) {
  std::string text;
  for (const Remark& remark : remarks) {
    const std::string place = remark.location.str();
    text += fmt::format("{}{}remark: {} [{}]\n", place, place.empty() ? "" : ": ", remark.text, remark.pass);
  }
  return text;
}

}  // namespace rnc
