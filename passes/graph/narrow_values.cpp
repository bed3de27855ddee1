#include "passes/graph/narrow_values.h"

#include "passes/graph/rewrite.h"

namespace rnc {

bool stores_once(const Node& node) {
  switch (node.op) {
    case Op::conv2d:
    case Op::conv2d_input_grad:
    case Op::max_pool:
    case Op::max_pool_select:
    case Op::max_pool_grad:
    case Op::avg_pool:
    case Op::global_avg_pool_grad:
    case Op::concat:
    case Op::slice:
    case Op::pad_channels:
    case Op::slice_channels:
    case Op::resize:
    case Op::pad:
      return true;
    case Op::dropout_mask:  // a factor of which the mean is one
      return false;
    default:
      return info(node.op).kind == OpKind::elementwise;
  }
}

namespace {

// Of more than one pixel.
bool may_be_narrow(const Type& type) {
  return type.dtype == contract::kDefaultReal && type.rank() == 4 && has_batch(type.shape) &&
         type.shape[2] * type.shape[3] > 1;
}

}  // namespace

NarrowValues::NarrowValues(const Graph& graph, const PrecisionRules& rules) : graph_(graph), rules_(rules) {
  if (!asks_for_less(rules)) return;
  number_values();
  for (const Output& output : graph.outputs) kept_.insert(number(output.value));
  for (const Assign& assign : graph.assigns) kept_.insert(number(assign.value));
  for (const Node& node : graph.nodes) {
    if (info(node.op).kind != OpKind::movement) continue;
    for (const ValueId u : node.inputs) kept_.insert(number(u));
  }
}

DType NarrowValues::of(ValueId v) const {
  const Node& node = graph_[v];
  if (number_.empty()) return node.type.dtype;
  const bool narrow = may_be_narrow(node.type) && stores_once(node) && !kept_.contains(number(v));
  return narrow ? value_for(rules_, graph_[number(v)].layer, node.type.dtype) : node.type.dtype;
}

void NarrowValues::number_values() {
  ValueNumbering numbering;
  for (ValueId v = 0; v < static_cast<ValueId>(graph_.nodes.size()); ++v) {
    Node unfused = graph_[v];
    unfused.kernel = -1;
    for (ValueId& u : unfused.inputs) u = number(u);
    ValueId& first = numbering[unfused];
    if (first == kNoValue) first = v;
    number_.push_back(first);
  }
}

}  // namespace rnc
