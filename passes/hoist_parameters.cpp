// Moves what entries infer and loss compute from parameters and buffers alone into entry prepare, which runs
// once when weights load or change and leaves the results in prepared tensors; and of the training entries
// what depends on tensors alone that training does not change (frozen layers). Sound because these tensors do
// not change between prepare and the entries that read them. What several entries compute is computed once.
// Cost: memory for the prepared tensors.
//
// Run again, after more such work has appeared (packing of weights), it moves that too; a prepared tensor
// that only served to compute another is dropped.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "passes/passes.h"
#include "passes/rewrite.h"

namespace rnc {
namespace {

// Entry prepare as it grows.
class Preparation {
 public:
  Preparation(Module& module, Graph& prepare)
      : module_(module), prepare_(prepare), builder_(module, prepare) {
    for (ValueId v = 0; v < static_cast<ValueId>(prepare.nodes.size()); ++v) numbering_[prepare[v]] = v;
  }

  // The prepared tensor that holds the value of graph[v].
  std::string tensor_of(const Graph& graph, ValueId v) {
    const ValueId value = move(graph, v);
    for (const Assign& assign : prepare_.assigns) {
      if (assign.value == value) return assign.tensor;
    }
    const Node& node = prepare_[value];
    const std::string tensor = unused_tensor_name(node);
    module_.tensors.push_back({tensor, TensorKind::prepared, node.type, {}, node.location});
    prepare_.assigns.push_back({tensor, value});
    return tensor;
  }

 private:
  // Value `v` of `graph`, computed in prepare.
  ValueId move(const Graph& graph, ValueId v) {
    Node node = graph[v];
    if (node.op == Op::state) {
      for (const Assign& assign : prepare_.assigns) {
        if (assign.tensor == node.name) return assign.value;
      }
    }
    for (ValueId& input : node.inputs) input = move(graph, input);
    node.kernel = -1;
    ValueId& moved = numbering_[node];
    if (moved == kNoValue) {
      moved = builder_.clone(node, node.inputs);
      prepare_[moved].type = node.type;
      prepare_[moved].kernel = -1;
    }
    return moved;
  }

  // "%folded.conv1.weight" becomes tensor folded.conv1.weight; a value with no more than a number is named
  // after its layer.
  std::string unused_tensor_name(const Node& node) const {
    const bool generated = node.name.starts_with('%');
    const bool numbered = generated && node.name.find_first_not_of("%.0123456789") == std::string::npos;
    const std::string base = numbered    ? "prepared." + node.layer
                             : generated ? node.name.substr(1)
                                         : "prepared." + node.name;
    std::string name = base;
    for (int i = 2; is_used(name); ++i) name = fmt::format("{}.{}", base, i);
    return name;
  }

  bool is_used(const std::string& name) const {
    if (module_.find_tensor(name) != nullptr) return true;
    return std::ranges::any_of(module_.entries, [&](const Graph& graph) {
      return std::ranges::find(graph.nodes, name, &Node::name) != graph.nodes.end();
    });
  }

  Module& module_;
  Graph& prepare_;
  GraphBuilder builder_;
  ValueNumbering numbering_;
};

// Which nodes to replace by prepared tensors: the last ones of what depends on fixed tensors only.
std::vector<bool> hoistable(const Module& module, const Graph& graph) {
  const std::vector<bool> fixed = fixed_values(module, graph);
  const std::vector<bool> constant = depends_only_on(module, graph, {});
  std::vector<bool> result(graph.nodes.size(), false);
  const auto use = [&](ValueId v) {
    const auto i = static_cast<size_t>(v);
    result[i] = result[i] || (fixed[i] && !constant[i] && graph.nodes[i].op != Op::state);
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (fixed[i]) continue;
    std::for_each(graph.nodes[i].inputs.begin(), graph.nodes[i].inputs.end(), use);
  }
  for (const Output& output : graph.outputs) use(output.value);
  return result;
}

bool hoist_from(Module& module, Graph& graph, Graph& prepare) {
  const std::vector<bool> hoist = hoistable(module, graph);
  if (std::find(hoist.begin(), hoist.end(), true) == hoist.end()) return false;
  Preparation preparation(module, prepare);
  return rewrite(module, graph, [&](Rewriter& r, ValueId v) {
    if (!hoist[static_cast<size_t>(v)]) return kNoValue;
    return r.builder().state(preparation.tensor_of(r.old_graph(), v));
  });
}

// Drops prepared tensors that no entry but prepare reads.
void drop_unread(Module& module, Graph& prepare) {
  std::set<std::string> read;
  for (const Graph& graph : module.entries) {
    for (const Node& node : graph.nodes) {
      if (node.op == Op::state) read.insert(node.name);
    }
  }
  std::erase_if(module.tensors,
                [&](const Tensor& t) { return t.kind == TensorKind::prepared && !read.contains(t.name); });
  std::erase_if(prepare.assigns, [&](const Assign& assign) { return !read.contains(assign.tensor); });
  drop_dead_nodes(prepare);
}

}  // namespace

bool hoist_parameters(Module& module) {
  const Graph* infer = module.find_entry("infer");
  if (infer == nullptr) return false;
  bool changed = false;
  if (module.find_entry("prepare") == nullptr) {
    Graph prepare;
    prepare.name = "prepare";
    module.entries.insert(module.entries.begin(), std::move(prepare));
    changed = true;
  }
  for (const char* entry : {"infer", "loss", "backward", "train_step"}) {
    Graph* graph = module.find_entry(entry);
    if (graph != nullptr) changed |= hoist_from(module, *graph, *module.find_entry("prepare"));
  }
  if (changed) drop_unread(module, *module.find_entry("prepare"));
  return changed;
}

}  // namespace rnc
