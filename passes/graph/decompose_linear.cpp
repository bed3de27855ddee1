// Rewrites linear(x, w, bias) into matmul(x, w transposed) + bias, which is its definition: lowering then
// knows one kind of matrix product, and the bias joins whatever the product is fused with. It costs nothing.
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

bool decompose(const Module& module, Graph& graph) {
  return rewrite(module, graph, [](Rewriter& r, ValueId v) {
    const Node& node = r.old(v);
    if (node.op != Op::linear) return kNoValue;
    GraphBuilder& b = r.builder();
    const ValueId bias = operand(node, "bias");
    const bool biased = bias != kNoValue;
    Attributes transposed;
    transposed.set("transpose_b", true);
    const ValueId product = b.emit(Op::matmul, {r.now(node.inputs[0]), r.now(node.inputs[1])},
                                   std::move(transposed), biased ? "" : node.name);
    return biased ? b.emit(Op::add, {product, r.now(bias)}, {}, node.name) : product;
  });
}

}  // namespace

bool decompose_linear(Module& module) { return for_each_entry(module, decompose); }

}  // namespace rnc
