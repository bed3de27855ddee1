#include "ir/text/freeze.h"

#include <fmt/format.h>

#include "ir/text/suggest.h"

namespace rnc::text {
namespace {

// Goes back to the last `*` where it fails and lets that one stand for a character more: linear in practice,
// and at most the product of both lengths.
bool fits(std::string_view pattern, std::string_view name) {
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

void freeze_parameters(Module& module, const std::vector<FreezePattern>& patterns) {
  std::vector<std::string> parameters;
  for (const Tensor& tensor : module.tensors) {
    if (tensor.kind == TensorKind::parameter) parameters.push_back(tensor.name);
  }
  for (const auto& [pattern, location] : patterns) {
    bool found = false;
    for (const std::string& parameter : parameters) {
      if (!fits(pattern, parameter) && !fits(pattern + ".*", parameter)) continue;
      found = true;
      for (Tensor& tensor : module.tensors) {
        if (tensor.name == parameter) tensor.kind = TensorKind::buffer;
      }
    }
    if (!found) {
      throw UserError(location, fmt::format("freeze: there is no parameter '{}'{}", pattern,
                                            suggestion(pattern, parameters)));
    }
  }
}

}  // namespace rnc::text
