// From graphs to loops: every fused group of every entry becomes kernels and calls.
#pragma once

#include "ir/graph/graph.h"
#include "ir/loops/program.h"
#include "passes/target.h"

namespace rnc {

// Throws UserError at the first node that cannot be lowered yet, naming the pass that comes before.
void check_lowerable(const Module& module, const TargetInfo& target);

// The module's layouts and kernels have been chosen (choose_layout, fuse), as check_lowerable finds. Entry "model" is not lowered: it
// is what the others were derived from. The arenas are not planned yet.
loops::Program lower_to_loops(const Module& module, const TargetInfo& target);

}  // namespace rnc
