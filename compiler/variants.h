// A model on its way to code for one CPU or for several: what does not depend on the CPU is done once, the rest for each.
#pragma once

#include <span>
#include <vector>

#include "compiler/input.h"
#include "compiler/target.h"

namespace rnc {

// The model as it is for one target.
struct Variant {
  Target target;
  Compilation compilation;  // after the passes
  TensorValues values;      // of its tensors, for the descriptor
};

// What the request wants of its targets: for code with values in bf16, the instructions for them.
TargetRequest target_request(const Request& request);

// Those that the request asks for, best first; one where what is to be written does not depend on them. Throws UsageError
// where it is of one target, and several are asked for.
std::vector<Target> targets_of(const Request& request, std::span<const Pass> passes);

// Runs the passes, and makes weights that are asked for part of the programs. The artifact takes what passes did and
// decided. Throws UserError where a pass refuses the model.
std::vector<Variant> lower_variants(const Request& request, const Input& input, std::span<const Pass> passes,
                                    const std::vector<Target>& targets, Artifact& artifact);

}  // namespace rnc
