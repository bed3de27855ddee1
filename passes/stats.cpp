#include "passes/stats.h"

#include <fmt/format.h>

#include <map>
#include <set>

namespace rnc {
namespace {

using Counts = std::map<std::string, int64_t>;

// "conv2d +20, relu -3": the differences of two sets of counts; empty if there are none.
std::string differences(const Counts& before, const Counts& after) {
  Counts difference = after;
  for (const auto& [what, count] : before) difference[what] -= count;
  std::string text;
  for (const auto& [what, count] : difference) {
    if (count != 0) text += fmt::format("{}{} {:+}", text.empty() ? "" : ", ", what, count);
  }
  return text;
}

Counts count_nodes(const Graph* graph) {
  Counts counts;
  if (graph == nullptr) return counts;
  for (const Node& node : graph->nodes) {
    ++counts[std::string(name(node.op))];
    if (!node.type.layout.plain()) ++counts["(blocked)"];
    if (node.kernel >= 0) ++counts["(fused)"];
  }
  if (!graph->kernels.empty()) counts["(kernels)"] = static_cast<int64_t>(graph->kernels.size());
  if (!graph->assigns.empty()) counts["(assigns)"] = static_cast<int64_t>(graph->assigns.size());
  return counts;
}

Counts count_tensors(const Module& module) {
  Counts counts;
  for (const Tensor& tensor : module.tensors) ++counts[std::string(name(tensor.kind))];
  return counts;
}

const loops::EntryProgram* find_entry(const std::optional<loops::Program>& program, std::string_view name) {
  if (!program) return nullptr;
  for (const loops::EntryProgram& entry : program->entries) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::string describe_program(const Compilation& before, const Compilation& after) {
  std::string text;
  if (!after.program) return text;
  const size_t kernels = before.program ? before.program->kernels.size() : 0;
  if (after.program->kernels.size() != kernels) {
    text += fmt::format("  distinct kernels {:+}\n",
                        static_cast<int64_t>(after.program->kernels.size() - kernels));
  }
  for (const loops::EntryProgram& entry : after.program->entries) {
    const loops::EntryProgram* old = find_entry(before.program, entry.name);
    const size_t calls = old != nullptr ? old->calls.size() : 0;
    if (entry.calls.size() != calls) {
      text += fmt::format("  {}: calls {:+}\n", entry.name, static_cast<int64_t>(entry.calls.size() - calls));
    }
    if (entry.arena != (old != nullptr ? old->arena : std::array<loops::Extent, 2>{})) {
      text += fmt::format("  {}: arena {} bytes, lower bound {}\n", entry.name, arena_text(entry),
                          str(entry.live_bound));
    }
  }
  return text;
}

}  // namespace

std::string describe_changes(const Compilation& before, const Compilation& after) {
  std::set<std::string> entries;
  for (const Graph& graph : before.module.entries) entries.insert(graph.name);
  for (const Graph& graph : after.module.entries) entries.insert(graph.name);
  std::string text;
  const auto line = [&](std::string_view what, const Counts& old_counts, const Counts& new_counts) {
    const std::string changes = differences(old_counts, new_counts);
    if (!changes.empty()) text += fmt::format("  {}: {}\n", what, changes);
  };
  for (const std::string& entry : entries) {
    line(entry, count_nodes(before.module.find_entry(entry)), count_nodes(after.module.find_entry(entry)));
  }
  line("tensors", count_tensors(before.module), count_tensors(after.module));
  return text + describe_program(before, after);
}

}  // namespace rnc
