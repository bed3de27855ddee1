// What a pass did, in counts: found by comparing the model before and after, so that no pass has to report.
#pragma once

#include <string>

#include "passes/pipeline.h"

namespace rnc {

// One line per entry, and for tensors and kernels, that changed:
//   "  infer: batch_norm -20, add +40\n". Empty if the counts are the same.
std::string describe_changes(const Compilation& before, const Compilation& after);

}  // namespace rnc
