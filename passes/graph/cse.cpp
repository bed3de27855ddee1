// Common subexpression elimination: of several nodes that compute the same, the first stands for all. Nodes
// are pure, so equal operation, operands, attributes and type give equal values, bit for bit; a + b and b + a
// are taken as equal, likewise products. Nodes of different kernels stay apart: that is how fusion expresses
// recomputation.
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

bool cse_graph(const Module& module, Graph& graph) {
  ValueNumbering numbering;
  return rewrite(module, graph, [&](Rewriter& r, ValueId v) {
    ValueId& first = numbering[r.with_inputs_now(v)];  // the old value
    if (first != kNoValue) return r.now(first);
    first = v;
    return kNoValue;
  });
}

}  // namespace

bool cse(Module& module) { return for_each_entry(module, cse_graph); }

}  // namespace rnc
