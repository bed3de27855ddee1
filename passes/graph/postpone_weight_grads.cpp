#include "passes/graph/postpone_weight_grads.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "passes/graph/rewrite.h"

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

// By value: the kernels with an elementwise node that reads its elements.
std::vector<std::vector<int>> elementwise_readers(const Graph& graph,
                                                  const std::vector<KernelNodes>& kernels) {
  std::vector<std::vector<int>> readers(graph.nodes.size());
  for (size_t k = 0; k < kernels.size(); ++k) {
    for (ValueId v = kernels[k].begin; v < kernels[k].end; ++v) {
      if (info(graph[v].op).kind != OpKind::elementwise || info(graph[v].op).reads_shape_only) continue;
      for (const ValueId u : graph[v].inputs) readers[static_cast<size_t>(u)].push_back(static_cast<int>(k));
    }
  }
  return readers;
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
  const std::vector<KernelNodes> kernels = kernels_of(graph);
  const std::vector<std::vector<int>> readers = elementwise_readers(graph, kernels);
  std::vector<int> order(kernels.size()), place(kernels.size());  // of kernels, and each one's place there
  std::iota(order.begin(), order.end(), 0);
  std::iota(place.begin(), place.end(), 0);
  for (size_t kernel = 0; kernel < kernels.size(); ++kernel) {
    const ValueId x = read_by_weight_grad(graph, kernels[kernel]);
    if (x == kNoValue) continue;
    const int begin = place[kernel];
    int after = static_cast<int>(order.size());  // the place of the first such reader from here on
    for (const int reader : readers[static_cast<size_t>(x)]) {
      const int at = place[static_cast<size_t>(reader)];
      if (at >= begin) after = std::min(after, at);
    }
    if (after == static_cast<int>(order.size())) continue;
    std::set<ValueId> moved;  // nodes that come after it: the weight gradient and what depends on it
    const auto stays = [&](int k) {
      const KernelNodes& nodes = kernels[static_cast<size_t>(k)];
      bool moves = k == static_cast<int>(kernel);
      for (ValueId v = nodes.begin; v < nodes.end && !moves; ++v)
        moves = std::ranges::any_of(graph[v].inputs, [&](ValueId u) { return moved.contains(u); });
      for (ValueId v = nodes.begin; v < nodes.end && moves; ++v) moved.insert(v);
      return !moves;
    };
    std::vector<int> staying, moving;
    for (int at = begin; at <= after; ++at) {
      const int k = order[static_cast<size_t>(at)];
      (stays(k) ? staying : moving).push_back(k);
    }
    if (staying.empty() || staying.back() != order[static_cast<size_t>(after)])
      continue;  // it depends on the weight gradient
    std::ranges::copy(moving, std::ranges::copy(staying, order.begin() + begin).out);
    for (int at = begin; at <= after; ++at) place[static_cast<size_t>(order[static_cast<size_t>(at)])] = at;
  }

  Graph result;
  result.name = graph.name;
  result.role = graph.role;
  std::vector<ValueId> now(graph.nodes.size(), kNoValue);
  for (const int number : order) {
    const KernelNodes& k = kernels[static_cast<size_t>(number)];
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
    result.outputs.push_back(output.with(now[static_cast<size_t>(output.value)]));
  for (const Assign& assign : graph.assigns)
    result.assigns.push_back({assign.tensor, now[static_cast<size_t>(assign.value)]});
  return result;
}

}  // namespace rnc
