// The passes: each a free function in the file of its name, which says at its head what it rewrites, why that is sound
// and what it costs. All return whether they changed something and change nothing when run again, but for
// schedule_calls, which has no order for calls that may change places. passes/passes.def puts them in order.
#pragma once

#include "ir/graph/graph.h"
#include "passes/report/remarks.h"
#include "passes/target.h"

namespace rnc {

struct Compilation;  // passes/pipeline.h

// What a pass is given. Remarks, if they are wanted, take what it decided and why.
using ModulePass = bool(Module& module);
using TargetPass = bool(Module& module, const TargetInfo& target);
using RemarkingPass = bool(Module& module, const TargetInfo& target, Remarks* remarks);
using CompilationPass = bool(Compilation& compilation);

#define RNC_PASS(name, kind, stage, why) kind name;
#include "passes/passes.def"
#undef RNC_PASS

inline bool choose_algorithm(Module& module, const TargetInfo& target) {
  return choose_algorithm(module, target, nullptr);
}

}  // namespace rnc
