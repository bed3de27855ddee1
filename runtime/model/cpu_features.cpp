#include "runtime/model/cpu_features.h"

#include <algorithm>

#include "runtime/contract/cpu.h"

namespace rnrun {

std::vector<std::string> missing_cpu_features(std::string_view features) {
  std::vector<std::string> missing;
  while (!features.empty()) {
    const size_t comma = std::min(features.find(','), features.size());
    std::string_view name = features.substr(0, comma);
    features.remove_prefix(std::min(comma + 1, features.size()));
    if (name.starts_with('+')) name.remove_prefix(1);
    if (!name.empty() && rn_cpu_has(name.data(), name.size()) == 0) missing.emplace_back(name);
  }
  return missing;
}

}  // namespace rnrun
