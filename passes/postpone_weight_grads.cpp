#include "passes/postpone_weight_grads.h"

#include <algorithm>
#include <set>

#include "passes/rewrite.h"

namespace rnc {
namespace {

struct KernelNodes {
  ValueId begin, end;
};

std::vector<KernelNodes> kernels_of(const Graph& graph) {
  const auto count = static_cast<ValueId>(graph.nodes.size());
  std::vector<KernelNodes> kernels;
  for (ValueId begin = 0; begin < count; begin = kernels.back().end) {
    kernels.push_back({begin, kernel_end(graph, begin)});
  }
  return kernels;
}

bool reads(const Node& node, ValueId v) {
  return node.op != Op::element_count && std::ranges::find(node.inputs, v) != node.inputs.end();
}

// Whether some node of the kernel, an elementwise one if so asked, reads v.
bool reads(const Graph& graph, const KernelNodes& kernel, ValueId v, bool elementwise) {
  for (ValueId w = kernel.begin; w < kernel.end; ++w) {
    if (reads(graph[w], v) && (!elementwise || info(graph[w].op).kind == OpKind::elementwise)) return true;
  }
  return false;
}

// The stored result of an elementwise kernel that the weight gradient in `kernel` reads, or kNoValue.
ValueId read_by_weight_grad(const Graph& graph, const KernelNodes& kernel) {
  for (ValueId v = kernel.begin; v < kernel.end; ++v) {
    if (graph[v].op != Op::conv2d_weight_grad) continue;
    const ValueId x = graph[v].inputs[1];
    return x < kernel.begin && info(graph[x].op).kind == OpKind::elementwise ? x : kNoValue;
  }
  return kNoValue;
}

}  // namespace

Graph postpone_weight_grads(const Graph& graph) {
  std::vector<KernelNodes> order = kernels_of(graph);
  for (const KernelNodes& kernel : kernels_of(graph)) {
    const ValueId x = read_by_weight_grad(graph, kernel);
    if (x == kNoValue) continue;
    const auto begin = std::ranges::find(order, kernel.begin, &KernelNodes::begin);
    const auto used = [&](const KernelNodes& k) { return reads(graph, k, x, true); };
    const auto after = std::find_if(begin, order.end(), used);
    if (after == order.end()) continue;
    std::set<ValueId> moved;  // nodes that come after it: the weight gradient and what depends on it
    const auto stays = [&](const KernelNodes& k) {
      bool moves = k.begin == kernel.begin;
      for (ValueId v = k.begin; v < k.end && !moves; ++v)
        moves = std::ranges::any_of(graph[v].inputs, [&](ValueId u) { return moved.contains(u); });
      for (ValueId v = k.begin; v < k.end && moves; ++v) moved.insert(v);
      return !moves;
    };
    std::vector<KernelNodes> staying, moving;
    std::for_each(begin, after + 1,
                  [&](const KernelNodes& k) { (stays(k) ? staying : moving).push_back(k); });
    if (staying.empty() || staying.back().begin != after->begin)
      continue;  // it depends on the weight gradient
    std::ranges::copy(moving, std::ranges::copy(staying, begin).out);
  }

  Graph result;
  result.name = graph.name;
  std::vector<ValueId> now(graph.nodes.size(), kNoValue);
  for (const KernelNodes& k : order) {
    const bool fused = graph[k.begin].kernel >= 0;
    if (fused) result.kernels.push_back(graph.kernels[static_cast<size_t>(graph[k.begin].kernel)]);
    for (ValueId v = k.begin; v < k.end; ++v) {
      Node node = graph[v];
      for (ValueId& u : node.inputs) u = now[static_cast<size_t>(u)];
      node.kernel = fused ? static_cast<int>(result.kernels.size()) - 1 : -1;
      now[static_cast<size_t>(v)] = static_cast<ValueId>(result.nodes.size());
      result.nodes.push_back(std::move(node));
    }
  }
  for (const Output& output : graph.outputs)
    result.outputs.push_back({output.name, now[static_cast<size_t>(output.value)]});
  for (const Assign& assign : graph.assigns)
    result.assigns.push_back({assign.tensor, now[static_cast<size_t>(assign.value)]});
  return result;
}

}  // namespace rnc
