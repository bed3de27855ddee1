// --memory-budget: what the backward pass has to compute again for a training step to fit into so many bytes.
#pragma once

#include <cstdint>
#include <span>

#include "passes/pipeline.h"

namespace rnc {

// As little to compute again as lets the training step fit the budget at the recipe's batch: tries the passes
// with one limit after the other. Throws UserError, with the least that it found, where none does, or where
// what is compiled has no training step.
RecomputeLimits fit_budget(const Compilation& compilation, std::span<const Pass> passes, int64_t budget);

}  // namespace rnc
