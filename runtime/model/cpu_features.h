// Can this machine run a model's code?
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rnrun {

// Those of `features` (comma-separated, LLVM's names, with or without a leading '+') that this CPU or its
// operating system lacks, in their order. A name this rnrun does not know counts as missing.
std::vector<std::string> missing_cpu_features(std::string_view features);

}  // namespace rnrun
