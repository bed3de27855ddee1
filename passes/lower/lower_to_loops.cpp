#include "passes/lower/lower_to_loops.h"

#include <algorithm>

#include "passes/lower/equal_groups.h"

namespace rnc {
namespace {

// Labels are read as columns of the logits; where losses of several widths read them, the narrowest counts. Of losses
// that are made of other operations, decompose_losses has noted it.
void find_classes(const Graph& graph, loops::EntryProgram& entry) {
  for (const Node& node : graph.nodes) {
    if (node.op != Op::input || node.attributes.get<int64_t>("classes") == 0) continue;
    entry.classes[node.name] = node.attributes.get<int64_t>("classes");
    const auto ignored = node.attributes.get<int64_t>("ignore_index");
    if (ignored != kNoLabel) entry.ignored_labels[node.name] = ignored;
  }
  for (const Node& node : graph.nodes) {
    if (node.op != Op::cross_entropy && node.op != Op::cross_entropy_grad) continue;
    const size_t label = node.inputs.size() - 1;
    const int64_t columns = graph[node.inputs[label - 1]].type.shape[1];
    const auto [it, is_new] = entry.classes.try_emplace(graph[node.inputs[label]].name, columns);
    it->second = std::min(it->second, columns);
    entry.ignored_labels.erase(it->first);  // these ignore none
  }
}

void find_min_batch(const Graph& graph, loops::EntryProgram& entry) {
  for (const Node& node : graph.nodes) {
    if (node.op != Op::channel_variance) continue;
    const Shape& shape = graph[node.inputs[0]].type.shape;
    if (!has_batch(shape)) continue;
    const int64_t per_sample = elements_per_sample(shape) / shape[1];
    const int64_t needed = ceil_div(node.attributes.get<int64_t>("at_least"), per_sample);
    if (needed <= entry.min_batch) continue;
    entry.min_batch = needed;
    entry.min_batch_layer = node.layer;
  }
}

void lower_entry(const Module& module, const Graph& graph, const TargetInfo& target, loops::Program& program,
                 KernelIndex& kernels) {
  loops::EntryProgram entry;
  entry.name = graph.name;
  entry.role = graph.role;
  for (const Node& node : graph.nodes) {
    if (node.op == Op::input) entry.inputs.push_back(node);
  }
  for (const Output& output : graph.outputs) {
    const auto place = static_cast<int>(entry.outputs.size());
    if (output.role != OutputRole::prediction) entry.roles[place] = output.role;
    entry.outputs.emplace_back(output.name, graph[output.value].type);
  }
  find_classes(graph, entry);
  find_min_batch(graph, entry);
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
    if (graph.role != EntryRole::model) lower_entry(module, graph, target, program, kernels);
  }
  return program;
}

}  // namespace rnc
