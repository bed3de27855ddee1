#include "passes/report/stats.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc {
namespace {

// "conv2d +20, relu -3": the differences of two sets of counts; empty if there are none.
std::string differences(const KindCounts& before, const KindCounts& after) {
  KindCounts difference = after;
  for (const auto& [what, count] : before) difference[what] -= count;
  std::string text;
  for (const auto& [what, count] : difference) {
    if (count != 0) text += fmt::format("{}{} {:+}", text.empty() ? "" : ", ", what, count);
  }
  return text;
}

KindCounts count_nodes(const Graph& graph) {
  KindCounts counts;
  for (const Node& node : graph.nodes) {
    ++counts[std::string(name(node.op))];
    if (!node.type.layout.plain()) ++counts["(blocked)"];
    if (node.kernel >= 0) ++counts["(fused)"];
  }
  if (!graph.kernels.empty()) counts["(kernels)"] = static_cast<int64_t>(graph.kernels.size());
  if (!graph.assigns.empty()) counts["(assigns)"] = static_cast<int64_t>(graph.assigns.size());
  return counts;
}

std::string describe_programs(const Counts& before, const Counts& after) {
  std::string text;
  if (after.kernels != before.kernels) {
    text += fmt::format("  distinct kernels {:+}\n", static_cast<int64_t>(after.kernels - before.kernels));
  }
  for (const auto& [entry, now] : after.programs) {
    const auto found = std::ranges::find(before.programs, entry, [](const auto& p) { return p.first; });
    const Counts::Calls old = found == before.programs.end() ? Counts::Calls() : found->second;
    if (now.calls != old.calls) {
      text += fmt::format("  {}: calls {:+}\n", entry, static_cast<int64_t>(now.calls - old.calls));
    }
    if (now.arena != old.arena) {
      text += fmt::format("  {}: arena {} bytes, lower bound {}\n", entry, arena_text(now.arena),
                          str(now.live_bound));
    }
  }
  return text;
}

}  // namespace

Counts count(const Compilation& compilation) {
  Counts counts;
  for (const Graph& graph : compilation.module.entries) counts.entries[graph.name] = count_nodes(graph);
  for (const Tensor& tensor : compilation.module.tensors) ++counts.tensors[std::string(name(tensor.kind))];
  if (!compilation.program) return counts;
  counts.kernels = compilation.program->kernels.size();
  for (const loops::EntryProgram& entry : compilation.program->entries) {
    counts.programs.emplace_back(entry.name,
                                 Counts::Calls{entry.calls.size(), entry.arena, entry.live_bound});
  }
  return counts;
}

std::string describe_changes(const Counts& before, const Counts& after) {
  std::map<std::string, std::pair<KindCounts, KindCounts>> entries;
  for (const auto& [entry, counts] : before.entries) entries[entry].first = counts;
  for (const auto& [entry, counts] : after.entries) entries[entry].second = counts;
  std::string text;
  const auto line = [&](std::string_view what, const KindCounts& old_counts, const KindCounts& new_counts) {
    const std::string changes = differences(old_counts, new_counts);
    if (!changes.empty()) text += fmt::format("  {}: {}\n", what, changes);
  };
  for (const auto& [entry, counts] : entries) line(entry, counts.first, counts.second);
  line("tensors", before.tensors, after.tensors);
  return text + describe_programs(before, after);
}

}  // namespace rnc
