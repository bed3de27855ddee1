#include "ir/text/freeze.h"

#include <fmt/format.h>

#include <set>

#include "ir/text/pattern.h"
#include "ir/text/suggest.h"

namespace rnc::text {
void freeze_parameters(Module& module, const std::vector<FreezePattern>& patterns) {
  std::vector<std::string> parameters;
  for (const Tensor& tensor : module.tensors) {
    if (tensor.kind == TensorKind::parameter) parameters.push_back(tensor.name);
  }
  const std::set<std::string> is_parameter(parameters.begin(), parameters.end());
  for (const auto& [pattern, location] : patterns) {
    bool found = false;
    for (Tensor& tensor : module.tensors) {
      if (!is_parameter.contains(tensor.name) || !fits(pattern, tensor.name)) continue;
      found = true;
      tensor.kind = TensorKind::buffer;
    }
    if (!found) {
      throw UserError(location, fmt::format("freeze: there is no parameter '{}'{}", pattern,
                                            suggestion(Wanted::other, pattern, parameters)));
    }
  }
}

}  // namespace rnc::text
