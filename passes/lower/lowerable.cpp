// What graphs must have been through before they become loops. The default pipeline sees to it; lists given
// with --passes, and edited dumps, may not.
#include <fmt/format.h>

#include <map>

#include "passes/lower/lower_to_loops.h"
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

void check_replaced(const Node& node) {
  if (info(node.op).kind == OpKind::source || lower_rule(node.op) != nullptr) return;
  refuse(node, fmt::format("it is to be replaced before, as pass decompose_{} does", name(node.op)));
}

// Of images, kernels compute whole vectors of channels.
void check_layout(const Node& node, const TargetInfo& target) {
  const bool images =
      info(node.op).kind == OpKind::window || node.op == Op::conv2d || node.op == Op::conv2d_input_grad;
  if (!images) return;
  const int64_t block = node.type.layout.block(1);
  if (block == target.vector_lanes) return;
  refuse(node, block == 1 ? "its channels are not in blocks; pass choose_layout comes before"
                          : fmt::format("its channels are in blocks of {}, the target's vectors are of {}",
                                        block, target.vector_lanes));
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
      check_replaced(node);
      check_layout(node, target);
    }
    check_kernels(graph);
  }
}

}  // namespace rnc
