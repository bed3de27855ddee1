#include "ir/onnx/export/composites.h"

#include <algorithm>
#include <set>

namespace rnc::onnx {
namespace {

// By value: which read it; an output counts as kNoValue.
std::vector<std::vector<ValueId>> users_of(const Graph& graph) {
  std::vector<std::vector<ValueId>> users(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    for (const ValueId input : graph.nodes[i].inputs)
      users[static_cast<size_t>(input)].push_back(static_cast<ValueId>(i));
  for (const Output& output : graph.outputs) users[static_cast<size_t>(output.value)].push_back(kNoValue);
  return users;
}

}  // namespace

// From the end, so that a norm with its weights is found before the norm alone.
std::map<ValueId, Composite> find_composites(const Graph& graph, int64_t opset) {
  const auto users = users_of(graph);
  std::map<ValueId, Composite> found;
  std::set<ValueId> taken;
  const auto serve_only = [&](const std::vector<ValueId>& parts) {
    return std::all_of(parts.begin() + 1, parts.end(), [&](ValueId part) {
      return std::ranges::all_of(users[static_cast<size_t>(part)],
                                 [&](ValueId user) { return std::ranges::count(parts, user) > 0; });
    });
  };
  for (auto v = static_cast<ValueId>(graph.nodes.size()); v-- > 0;) {
    if (taken.contains(v)) continue;
    for (const Recogniser recognise : {recognise_norm, recognise_shuffle}) {
      Trail trail(graph);
      auto write = recognise(trail, v, opset);
      if (!write || !serve_only(trail.parts())) continue;
      taken.insert(trail.parts().begin(), trail.parts().end());
      found[v] = {{trail.parts().begin() + 1, trail.parts().end()}, std::move(*write)};
      break;
    }
  }
  return found;
}

}  // namespace rnc::onnx
