// Rewrites cross entropy that is not of rows and one label each (of maps, with weighted classes or an ignored label, of
// probabilities) into log_softmax, products and sums, which is its definition, so that their gradients are its gradient.
// Notes on entries' labels how many classes they have. Cost: none; kernels for it alone would save it some passes over
// the logits.
#include <algorithm>

#include "ir/ops/ops.h"
#include "ir/ops/softmax.h"
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

void note_classes(Graph& graph, const Node& loss) {
  Node& label = graph[loss.inputs[1]];
  if (label.op != Op::input || label.type.dtype != DType::i32) return;
  // A label is ignored where all losses that read it do so.
  const auto ignored = loss.attributes.get<int64_t>("ignore_index");
  const int64_t classes = graph[loss.inputs[0]].type.shape[1],
                noted = label.attributes.get<int64_t>("classes");
  label.attributes.set("classes", noted == 0 ? classes : std::min(noted, classes));
  const bool agrees = noted == 0 || label.attributes.get<int64_t>("ignore_index") == ignored;
  label.attributes.set("ignore_index", agrees ? ignored : kNoLabel);
}

bool decompose_losses_in(const Module& module, Graph& graph) {
  if (graph.role == EntryRole::model) return false;
  return rewrite(module, graph, [](Rewriter& r, ValueId v) {
    const Node& node = r.old(v);
    if (node.op != Op::cross_entropy || is_of_rows(r.old_graph(), node)) return kNoValue;
    const Node now = r.with_inputs_now(v);
    note_classes(r.builder().graph(), now);
    return ops::emit_cross_entropy(r.builder(), now);
  });
}

}  // namespace

bool decompose_losses(Module& module) { return for_each_entry(module, decompose_losses_in); }

}  // namespace rnc
