// Leaves one form of sums and maxima along dimensions, which kernels are made for: those that keep their dimensions,
// and the batch is reduced by itself, behind the others, so that images are shared out among threads. Means become sums
// divided by the number of elements, places of largest elements a maximum and that of their numbers. Sound because it is
// their definition, but for the order in which sums are added.
#include "ir/ops/ops.h"
#include "ir/ops/reduce.h"
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

ValueId along(GraphBuilder& b, Op op, ValueId x, std::vector<int64_t> axes) {
  Attributes attributes;
  attributes.set("axes", std::move(axes));
  attributes.set("keepdims", true);
  return b.emit(op, {x}, std::move(attributes));
}

bool decompose_reductions_in(const Module& module, Graph& graph) {
  return rewrite(module, graph, [](Rewriter& r, ValueId v) {
    const Node& node = r.old(v);
    if (node.op == Op::argmax) return ops::emit_argmax(r.builder(), node, r.now(node.inputs[0]));
    if (node.op != Op::sum && node.op != Op::mean && node.op != Op::amax) return kNoValue;
    const Type& x = r.old(node.inputs[0]).type;
    std::vector<int64_t> axes = reduced_axes(node, x.rank());
    const bool batch = axes.front() == 0 && axes.size() > 1;
    const bool kept = node.attributes.get<bool>("keepdims");
    if (node.op != Op::mean && kept && !batch && node.attributes.get<std::vector<int64_t>>("axes") == axes)
      return kNoValue;
    GraphBuilder& b = r.builder();
    const Op op = node.op == Op::amax ? Op::amax : Op::sum;
    ValueId value = r.now(node.inputs[0]);
    if (batch) value = along(b, op, value, {axes.begin() + 1, axes.end()});
    value = along(b, op, value, batch ? std::vector<int64_t>{0} : axes);
    if (node.op == Op::mean) value = ops::emit_mean_of_sum(b, value, r.with_inputs_now(v));
    return kept ? value : ops::emit_reshape(b, value, node.type.shape);
  });
}

}  // namespace

bool decompose_reductions(Module& module) { return for_each_entry(module, decompose_reductions_in); }

}  // namespace rnc
