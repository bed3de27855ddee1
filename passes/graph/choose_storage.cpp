// Values between kernels in fewer bytes (--precision): maps in blocks of channels, activations and their gradients, become
// bf16 where that is asked for. Kernels compute in f32 as before, widen what they load, and round what they store, of two
// nearest numbers to the even one (mixed precision: Micikevicius et al., "Mixed Precision Training", 2018; with bf16's
// exponent, that of f32, losses need no scaling: Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", 2019).
// Parameters, their gradients, slots, statistics, sums, what is one number per channel and results stay f32.
//
// It comes after `fuse`, which says what is stored: what stays in registers is not rounded. Where several kernels compute
// the same value, it is rounded in all of them if it is stored by one, so that recomputing instead of storing changes no
// bits.
#include <set>

#include "passes/graph/narrow_values.h"
#include "passes/passes.h"

namespace rnc {
namespace {

// Values that another kernel than their own reads, by number.
std::set<ValueId> stored_values(const Graph& graph, const NarrowValues& narrow) {
  std::set<ValueId> stored;
  for (const Node& node : graph.nodes) {
    if (info(node.op).reads_shape_only) continue;
    for (const ValueId u : node.inputs) {
      if (node.kernel != graph[u].kernel) stored.insert(narrow.number(u));
    }
  }
  return stored;
}

// Weights in pairs are for inputs that are.
void check_pairs(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (node.op != Op::conv2d && node.op != Op::conv2d_input_grad) continue;
    if (is_stored_only(graph[node.inputs[1]].type))
      check(is_stored_only(graph[node.inputs[0]].type),
            "choose_layout has foreseen as what a value is stored");
  }
}

}  // namespace

bool choose_storage(Module& module, const TargetInfo& target) {
  if (!asks_for_less(target.precision)) return false;
  bool changed = false;
  for (Graph& graph : module.entries) {
    const NarrowValues narrow(graph, target.precision);
    const std::set<ValueId> stored = stored_values(graph, narrow);
    std::vector<DType> types;
    for (ValueId v = 0; v < static_cast<ValueId>(graph.nodes.size()); ++v) {
      const Node& node = graph[v];
      const bool between = node.kernel >= 0 && !node.type.layout.plain() && stored.contains(narrow.number(v));
      types.push_back(between ? narrow.of(v) : node.type.dtype);
    }
    for (size_t v = 0; v < types.size(); ++v) {
      changed |= graph.nodes[v].type.dtype != types[v];
      graph.nodes[v].type.dtype = types[v];
    }
    check_pairs(graph);
  }
  return changed;
}

}  // namespace rnc
