// What graphs must have been through before they become loops. The default pipeline sees to it; lists given
// with --passes, and edited dumps, may not.
#include <fmt/format.h>

#include <map>

#include "ir/ops/reduce.h"
#include "ir/ops/softmax.h"
#include "passes/graph/narrow_values.h"
#include "passes/lower/conv/shape.h"
#include "passes/lower/lower_to_loops.h"
#include "passes/lower/pair_blocks.h"
#include "passes/lower/rules.h"

namespace rnc {
namespace {

[[noreturn]] void refuse(const Node& node, const std::string& why) {
  throw UserError(node.location, fmt::format("lower_to_loops: {} {}: {}", name(node.op), node.name, why));
}

bool is_anchor(const Node& node) {
  const OpKind kind = info(node.op).kind;
  return kind == OpKind::contraction || kind == OpKind::window;
}

void check_replaced(const Graph& graph, const Node& node) {
  if (node.op == Op::softmax && !is_of_rows(node))
    refuse(node, "it is not of rows, and is to be replaced before, as pass decompose_softmax does");
  if (node.op == Op::cross_entropy && !is_of_rows(graph, node))
    refuse(node, "it is not of rows and labels, and is to be replaced before, as pass decompose_losses does");
  if (info(node.op).kind == OpKind::source || lower_rule(node.op) != nullptr) return;
  refuse(node, fmt::format("it is to be replaced before, as pass decompose_{} does", name(node.op)));
}

// Kernels over images compute whole vectors of channels.
void check_blocks(const Node& node, const Type& type, std::string_view what, const TargetInfo& target) {
  const Layout wanted{{}, {{1, target.lanes(DType::f32)}}};
  if (type.layout == wanted) return;
  if (type.layout.plain())
    refuse(node,
           fmt::format("the channels of its {} are not in blocks; pass choose_layout comes before", what));
  refuse(node, fmt::format("its {} is {}; the target's blocks are 1:{}", what, str(type),
                           target.lanes(DType::f32)));
}

// Weights lie as the kernels read them.
void check_weight(const Graph& graph, const Node& node, const TargetInfo& target) {
  const ConvShape shape = conv_shape(graph, node);
  if (shape.groups > 1) return;
  Type weight = graph[node.inputs[1]].type;
  if (is_stored_only(weight)) {
    if (!is_stored_only(graph[node.inputs[0]].type) || tile_of(algorithm_of(node)) > 0 || !target.dot_pairs)
      refuse(node,
             fmt::format("its weight is {}, which is for kernels that multiply two of its inputs at a time",
                         str(weight)));
    weight.layout = unpaired(weight.layout);
  }
  const bool plain = node.op == Op::conv2d && graph[node.inputs[0]].type.layout.plain();
  const bool fits =
      weight.layout == forward_weight_layout(shape, plain, target) ||
      (node.op == Op::conv2d_input_grad && weight.layout == input_grad_weight_layout(shape, target));
  if (!fits)
    refuse(node,
           fmt::format("its weight is {}, which its kernel does not read; pass choose_layout comes before",
                       str(graph[node.inputs[1]].type)));
}

// What is stored in fewer bytes than it is computed with.
void check_storage(const Graph& graph, const Node& node) {
  if (is_stored_only(node.type) && node.op != Op::state) {
    const bool pairs = node.op == Op::relayout && pairs_blocks(graph[node.inputs[0]].type, node.type);
    const bool stores = stores_once(node) && node.type.rank() == 4 && !node.type.layout.plain();
    if (!pairs && !stores)
      refuse(node, fmt::format("its result is {}, which its kernel does not store", str(node.type)));
  }
  if (info(node.op).kind != OpKind::movement) return;
  for (const ValueId v : node.inputs)
    if (is_stored_only(graph[v].type))
      refuse(node, fmt::format("its operand {} is {}, which is not moved as it lies", graph[v].name,
                               str(graph[v].type)));
}

// Elementwise kernels go through values that lie alike; beside values per channel in rows or blocks of these.
void check_elementwise(const Graph& graph, const Node& node, const TargetInfo& target) {
  if (info(node.op).reads_shape_only) return;
  for (const ValueId v : node.inputs) {
    const Type& type = graph[v].type;
    if (type.shape == node.type.shape && type.layout != node.type.layout)
      refuse(node, fmt::format("it is {}, its operand {} {}; pass choose_layout comes before", str(node.type),
                               graph[v].name, str(type)));
    const bool beside = type.rank() > 1 && type.rank() == node.type.rank() && type.shape != node.type.shape;
    const bool channels = beside && type.shape[1] == node.type.shape[1];
    if (beside && type.layout != (channels ? node.type.layout : Layout{}))
      refuse(node, fmt::format("its operand {} is {}, which does not lie as {} needs it; pass choose_layout "
                               "comes before",
                               graph[v].name, str(type), str(node.type)));
    if (type.rank() == 1 && node.type.rank() > 1 && !node.type.layout.plain())
      check_blocks(node, node.type, "result", target);
  }
}

void check_layout(const Graph& graph, const Node& node, const TargetInfo& target) {
  const Type* first = node.inputs.empty() ? nullptr : &graph[node.inputs[0]].type;
  if (info(node.op).kind == OpKind::elementwise) check_elementwise(graph, node, target);
  if (info(node.op).kind == OpKind::reduction && !info(node.op).reads_shape_only && first->rank() == 4)
    check_blocks(node, *first, "operand", target);
  if (is_image_sum(node)) {
    check_blocks(node, *first, "operand", target);
    check_blocks(node, node.type, "result", target);
  }
  const bool convolution = node.op == Op::conv2d || node.op == Op::conv2d_input_grad;
  if (convolution || (info(node.op).kind == OpKind::window && first->rank() == 4)) {
    check_blocks(node, node.type, "result", target);
    const bool few = node.op == Op::conv2d && first->shape[1] <= kPlainChannels;
    if (!few || !first->layout.plain()) check_blocks(node, *first, "operand", target);
  }
  if (convolution) check_weight(graph, node, target);
}

// One kernel has one anchor, and sums a value for one result only.
void check_kernels(const Graph& graph) {
  std::map<int, const Node*> anchors;
  std::map<std::pair<int, std::pair<Op, ValueId>>, const Node*> sums;
  for (const Node& node : graph.nodes) {
    if (node.kernel < 0) continue;
    if (is_anchor(node) && !anchors.emplace(node.kernel, &node).second)
      refuse(node,
             fmt::format("it shares a kernel with {}, and each needs its own", anchors[node.kernel]->name));
    if (info(node.op).kind != OpKind::reduction) continue;
    const auto [same, is_new] = sums.try_emplace({node.kernel, {node.op, node.inputs[0]}}, &node);
    if (!is_new) refuse(node, fmt::format("it is the same as {}; pass cse comes before", same->second->name));
  }
}

}  // namespace

void check_lowerable(const Module& module, const TargetInfo& target) {
  for (const Graph& graph : module.entries) {
    if (graph.role == EntryRole::model) continue;
    for (const Node& node : graph.nodes) {
      check_replaced(graph, node);
      check_layout(graph, node, target);
      check_storage(graph, node);
    }
    check_kernels(graph);
  }
}

}  // namespace rnc
