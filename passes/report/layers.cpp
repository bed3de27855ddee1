#include "passes/report/layers.h"

#include <set>

#include "ir/text/text.h"
#include "passes/report/summary.h"

namespace rnc {
namespace {

// Elements of the parameters that `node` reads and no earlier node has; `counted` remembers them.
int64_t new_parameters(TensorIndex& tensors, const Graph& graph, const Node& node,
                       std::set<std::string>& counted) {
  int64_t elements = 0;
  for (const ValueId input : node.inputs) {
    const Node& operand = graph[input];
    if (operand.op != Op::state || !counted.insert(operand.name).second) continue;
    const Tensor* tensor = tensors.find(operand.name);
    check(tensor != nullptr, operand.name);
    if (tensor->kind == TensorKind::parameter) elements += elements_per_sample(tensor->type.shape);
  }
  return elements;
}

}  // namespace

std::vector<Layer> layers_of(const Module& module) {
  const Graph* graph = module.find_entry(EntryRole::model);
  if (graph == nullptr) graph = module.find_entry(EntryRole::inference);
  std::vector<Layer> layers;
  if (graph == nullptr) return layers;
  TensorIndex tensors(module);
  std::set<std::string> counted;
  std::vector<int32_t> index(graph->nodes.size(), -1);  // of the layer of each node
  for (size_t v = 0; v < graph->nodes.size(); ++v) {
    const Node& node = graph->nodes[v];
    if (node.op == Op::state || node.op == Op::constant) continue;
    index[v] = static_cast<int32_t>(layers.size());
    Layer layer{.name = node.name.substr(node.name.starts_with('%') ? 1 : 0),
                .operation = std::string(name(node.op)),
                .result = str(node.type),
                .text = print(*graph, node),
                .parameters = new_parameters(tensors, *graph, node, counted),
                .multiply_adds = multiply_adds_per_sample(*graph, node)};
    for (const ValueId input : node.inputs) {
      const int32_t source = index[static_cast<size_t>(input)];
      if (source >= 0) layer.inputs.push_back(source);
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace rnc
