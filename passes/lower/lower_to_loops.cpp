#include "passes/lower/lower_to_loops.h"

#include "passes/lower/equal_groups.h"

namespace rnc {
namespace {

void lower_entry(const Module& module, const Graph& graph, const TargetInfo& target, loops::Program& program,
                 KernelIndex& kernels) {
  loops::EntryProgram entry;
  entry.name = graph.name;
  for (const Node& node : graph.nodes) {
    if (node.op == Op::input) entry.inputs.push_back(node);
  }
  for (const Output& output : graph.outputs)
    entry.outputs.emplace_back(output.name, graph[output.value].type);
  Lowering lowering(module, graph, target, program, kernels, entry);
  Group group;
  for (ValueId v = 0; v < static_cast<ValueId>(graph.nodes.size()); ++v) {
    const Node& node = graph[v];
    if (node.op == Op::input || node.op == Op::state) continue;
    if (!group.empty() && (node.kernel < 0 || graph[group.back()].kernel != node.kernel)) {
      lowering.lower(group);
      group.clear();
    }
    group.push_back(v);
  }
  if (!group.empty()) lowering.lower(group);
  lowering.copy_results();
  program.entries.push_back(std::move(entry));
}

}  // namespace

loops::Program lower_to_loops(const Module& module, const TargetInfo& target) {
  loops::Program program;
  KernelIndex kernels;
  for (const Graph& graph : module.entries) {
    if (graph.name != "model") lower_entry(module, graph, target, program, kernels);
  }
  return program;
}

}  // namespace rnc
