// Rewrites conv_transpose2d(x, w, bias) into the gradient of a convolution to its input, which is its definition, plus
// the bias: lowering has kernels for that. It costs nothing.
#include "ir/ops/ops.h"
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

bool decompose_conv_transpose_in(const Module& module, Graph& graph) {
  return rewrite(module, graph, [](Rewriter& r, ValueId v) {
    const Node& node = r.old(v);
    if (node.op != Op::conv_transpose2d) return kNoValue;
    GraphBuilder& b = r.builder();
    const ValueId product = ops::emit_transposed(b, node, r.now(node.inputs[0]), r.now(node.inputs[1]));
    const ValueId bias = operand(node, "bias");
    return bias == kNoValue ? product : b.emit(Op::add, {product, r.now(bias)}, {}, node.name);
  });
}

}  // namespace

bool decompose_conv_transpose(Module& module) { return for_each_entry(module, decompose_conv_transpose_in); }

}  // namespace rnc
