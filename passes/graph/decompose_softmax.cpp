// Rewrites log_softmax, and softmax of anything but rows [N, K], into a maximum, a sum and what is computed of each
// element beside them: their definition. Cost: none, where fuse joins what is elementwise.
#include "ir/ops/softmax.h"
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

bool decompose_softmax_in(const Module& module, Graph& graph) {
  return rewrite(module, graph, [](Rewriter& r, ValueId v) {
    const Node& node = r.old(v);
    const bool softmax = node.op == Op::softmax || node.op == Op::log_softmax;
    if (!softmax || is_of_rows(node)) return kNoValue;
    return ops::emit_softmax(r.builder(), node, r.now(node.inputs[0]));
  });
}

}  // namespace

bool decompose_softmax(Module& module) { return for_each_entry(module, decompose_softmax_in); }

}  // namespace rnc
