// Rewrites linear(x, w, bias) along the last of more than two dimensions, [N, S, I] to [N, S, O], into a convolution by
// 1x1 over [N, I, S, 1], which computes the same sums; so do its gradients. Cost: x and the result are permuted.
#include "ir/ops/ops.h"
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

ValueId permuted(GraphBuilder& b, ValueId v, std::vector<int64_t> order) {
  Attributes attributes;
  attributes.set("order", std::move(order));
  return b.emit(Op::permute, {v}, std::move(attributes));
}

bool convert(const Module& module, Graph& graph) {
  if (graph.role == EntryRole::model) return false;
  return rewrite(module, graph, [](Rewriter& r, ValueId v) {
    const Node& node = r.old(v);
    if (node.op != Op::linear || node.type.rank() == 2) return kNoValue;
    GraphBuilder& b = r.builder();
    std::vector<ValueId> inputs = r.with_inputs_now(v).inputs;
    const Shape x = b[inputs[0]].type.shape, w = b[inputs[1]].type.shape;
    const int64_t rows = elements_per_sample(Shape(x.begin() + 1, x.end() - 1));
    const ValueId channels_first =
        permuted(b, ops::emit_reshape(b, inputs[0], {x[0], rows, x.back()}), {0, 2, 1});
    inputs[0] = ops::emit_reshape(b, channels_first, {x[0], x.back(), rows, 1});
    inputs[1] = ops::emit_reshape(b, inputs[1], {w[0], w[1], 1, 1});
    const ValueId conv = b.emit(Op::conv2d, std::move(inputs));
    const ValueId channels_last = permuted(b, ops::emit_reshape(b, conv, {x[0], w[0], rows}), {0, 2, 1});
    return ops::emit_reshape(b, channels_last, node.type.shape);
  });
}

}  // namespace

bool linear_to_conv(Module& module) { return for_each_entry(module, convert); }

}  // namespace rnc
