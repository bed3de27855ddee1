// The passes over modules: each a free function in the file of its name, which says at its head what it
// rewrites, why that is sound and what it costs. All return whether they changed something and change nothing
// when run again. passes/pipeline.h puts them in order.
#pragma once

#include "ir/graph/graph.h"
#include "passes/report/remarks.h"
#include "passes/target.h"

namespace rnc {

bool derive_entries(Module& module);
bool differentiate(Module& module);
bool decompose_batch_norm(Module& module);
bool decompose_linear(Module& module);
bool simplify(Module& module);
bool move_through_max_pool(Module& module);
bool cse(Module& module);
bool dce(Module& module);
bool fold_batch_norm(Module& module);
bool hoist_parameters(Module& module);
// What it decided and why is added to `remarks`, if given.
bool choose_algorithm(Module& module, const TargetInfo& target, Remarks* remarks = nullptr);
bool choose_layout(Module& module, const TargetInfo& target);
bool fuse(Module& module);

}  // namespace rnc
