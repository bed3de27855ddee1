#include "passes/graph/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ir/text/suggest.h"

namespace rnc {
namespace {

std::string layer_name(const Node& node) { return node.name.substr(node.name.starts_with('%') ? 1 : 0); }

bool is_map(const Type& type) {
  return type.dtype == contract::kDefaultReal && type.rank() == 4 && has_batch(type.shape);
}

// The maps that are computed from the entry's inputs, and the prediction from them, in the order of execution.
std::vector<ValueId> maps_before(const Graph& graph, ValueId prediction) {
  std::vector<bool> before(graph.nodes.size()), computed(graph.nodes.size());
  before[static_cast<size_t>(prediction)] = true;
  for (ValueId v = prediction; v >= 0; --v)
    if (before[static_cast<size_t>(v)])
      for (const ValueId u : graph[v].inputs) before[static_cast<size_t>(u)] = true;
  std::vector<ValueId> maps;
  for (ValueId v = 0; v < prediction; ++v) {
    const auto is_computed = [&](ValueId u) {
      return graph[u].op == Op::input || computed[static_cast<size_t>(u)];
    };
    computed[static_cast<size_t>(v)] = std::ranges::any_of(graph[v].inputs, is_computed);
    if (before[static_cast<size_t>(v)] && computed[static_cast<size_t>(v)] && is_map(graph[v].type))
      maps.push_back(v);
  }
  return maps;
}

bool is_pooling(Op op) { return op == Op::max_pool || op == Op::avg_pool || op == Op::dropout; }

// Whether each value is computed by a convolution, or from what one computes.
std::vector<bool> convolved_values(const Graph& graph) {
  std::vector<bool> convolved(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    convolved[i] =
        node.op == Op::conv2d || node.op == Op::conv_transpose2d ||
        std::ranges::any_of(node.inputs, [&](ValueId v) { return convolved[static_cast<size_t>(v)]; });
  }
  return convolved;
}

ValueId last_map(const Module& module, const Graph& graph, const std::vector<ValueId>& maps) {
  const std::vector<bool> convolved = convolved_values(graph);
  const auto is_feature_map = [&](ValueId v) {
    return convolved[static_cast<size_t>(v)] && graph[v].type.shape[2] * graph[v].type.shape[3] > 1;
  };
  const auto found = std::find_if(maps.rbegin(), maps.rend(), is_feature_map);
  if (found == maps.rend())
    throw UserError(
        {}, fmt::format("--explain: the model {} has no convolution whose result has more than one pixel, "
                        "and of which the prediction is computed",
                        module.name));
  ValueId v = *found;
  while (is_pooling(graph[v].op) && std::ranges::binary_search(maps, graph[v].inputs[0]))
    v = graph[v].inputs[0];
  return v;
}

[[noreturn]] void fail_without(const Graph& graph, const std::vector<ValueId>& maps,
                               const std::string& layer) {
  constexpr size_t kShown = 40;
  std::vector<std::string> names, shown;
  for (const ValueId v : maps) names.push_back(layer_name(graph[v]));
  shown.assign(names.end() - static_cast<long>(std::min(kShown, names.size())), names.end());
  const bool all = shown.size() == names.size();
  throw UserError(
      {}, fmt::format("--explain: there is no layer '{}' with a map of which the prediction is computed{}; "
                      "there are {}{}",
                      layer, text::suggestion(text::Wanted::other, layer, names),
                      all ? "" : fmt::format("{} more, and ", names.size() - shown.size()),
                      fmt::join(shown, ", ")));
}

ValueId map_named(const Graph& graph, const std::vector<ValueId>& maps, const std::string& layer) {
  const auto is_it = [&](ValueId v) {
    const std::string name = layer_name(graph[v]);
    return name == layer || name.starts_with(layer + ".");
  };
  const auto found = std::find_if(maps.rbegin(), maps.rend(), is_it);
  if (found == maps.rend()) fail_without(graph, maps, layer);
  return *found;
}

}  // namespace

void explain_layers(Module& module, const std::vector<std::string>& layers) {
  Graph* graph = module.find_entry(EntryRole::model);
  if (graph == nullptr)
    throw UserError({}, "--explain cannot change this dump: its entries are already derived");
  const auto prediction = std::ranges::find(graph->outputs, OutputRole::prediction, &Output::role);
  if (prediction == graph->outputs.end())
    throw UserError({}, fmt::format("--explain: the model {} predicts nothing", module.name));
  const Node& predicted = (*graph)[prediction->value];
  if (predicted.type.dtype != contract::kDefaultReal || predicted.type.rank() != 2 ||
      !has_batch(predicted.type.shape))
    throw UserError(
        predicted.location,
        fmt::format("--explain: what is predicted must be f32[N, K], such as scores of classes, and is {}",
                    str(predicted.type)));
  const std::vector<ValueId> maps = maps_before(*graph, prediction->value);
  for (const std::string& layer : layers) {
    const ValueId v = layer.empty() ? last_map(module, *graph, maps) : map_named(*graph, maps, layer);
    const std::string name = "activation." + layer_name((*graph)[v]);
    if (std::ranges::count(graph->outputs, name, &Output::name) == 0)
      graph->outputs.push_back({name, v, OutputRole::activation});
  }
}

}  // namespace rnc
