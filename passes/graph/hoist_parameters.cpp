// Moves what entries infer, loss and explain compute from parameters and buffers alone into entry prepare, which runs
// once when weights load or change and leaves the results in prepared tensors; and of the training entries
// what depends on tensors alone that training does not change (frozen layers). Sound because these tensors do
// not change between prepare and the entries that read them. What several entries compute is computed once.
// Cost: memory for the prepared tensors.
//
// Run again, after more such work has appeared (packing of weights), it moves that too; a prepared tensor
// that only served to compute another is dropped.
#include <algorithm>
#include <map>
#include <set>

#include "ir/graph/unique_names.h"
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

// Entry prepare as it grows by values of one other entry.
class Preparation {
 public:
  Preparation(Module& module, Graph& prepare)
      : module_(module), prepare_(prepare), builder_(module, prepare) {
    for (ValueId v = 0; v < static_cast<ValueId>(prepare.nodes.size()); ++v) numbering_[prepare[v]] = v;
    for (const Assign& assign : prepare.assigns) note(assign);
    for (const Tensor& tensor : module.tensors) names_.take(tensor.name);
    for (const Graph& entry : module.entries) {
      for (const Node& node : entry.nodes) names_.take(node.name);
    }
  }

  // The prepared tensor that holds the value of graph[v].
  std::string tensor_of(const Graph& graph, ValueId v) {
    const ValueId value = move(graph, v);
    if (const auto known = tensor_of_.find(value); known != tensor_of_.end()) return known->second;
    const Node& node = prepare_[value];
    const std::string tensor = unused_tensor_name(node);
    module_.tensors.push_back({tensor, TensorKind::prepared, node.type, {}, node.location});
    prepare_.assigns.push_back({tensor, value});
    note(prepare_.assigns.back());
    return tensor;
  }

 private:
  void note(const Assign& assign) {
    tensor_of_.emplace(assign.value, assign.tensor);
    value_of_.emplace(assign.tensor, assign.value);
  }

  // Value `v` of `graph`, computed in prepare: after its operands, each once.
  ValueId move(const Graph& graph, ValueId v) {
    moved_.resize(graph.nodes.size(), kNoValue);
    std::vector<ValueId> open = {v};  // a stack of its own, as chains may be long
    while (!open.empty()) {
      const ValueId u = open.back();
      const std::vector<ValueId>& inputs = graph[u].inputs;
      const auto missing =
          std::ranges::find_if(inputs, [&](ValueId w) { return moved_[static_cast<size_t>(w)] == kNoValue; });
      if (missing != inputs.end()) {
        open.push_back(*missing);
        continue;
      }
      ValueId& moved = moved_[static_cast<size_t>(u)];
      if (moved == kNoValue) moved = copy(graph[u]);
      open.pop_back();
    }
    return moved_[static_cast<size_t>(v)];
  }

  // The node in prepare, whose operands are there.
  ValueId copy(Node node) {
    if (node.op == Op::state) {
      if (const auto known = value_of_.find(node.name); known != value_of_.end()) return known->second;
    }
    for (ValueId& input : node.inputs) input = moved_[static_cast<size_t>(input)];
    node.kernel = -1;
    ValueId& known = numbering_[node];
    if (known == kNoValue) {
      known = builder_.clone(node, node.inputs);
      prepare_[known].type = node.type;
      prepare_[known].kernel = -1;
      names_.take(prepare_[known].name);
    }
    return known;
  }

  // "%folded.conv1.weight" becomes tensor folded.conv1.weight; a value with no more than a number is named
  // after its layer.
  std::string unused_tensor_name(const Node& node) {
    const bool generated = node.name.starts_with('%');
    const bool numbered = generated && node.name.find_first_not_of("%.0123456789") == std::string::npos;
    const std::string base = numbered    ? "prepared." + node.layer
                             : generated ? node.name.substr(1)
                                         : "prepared." + node.name;
    return names_.take(base) ? base : names_.numbered(base + ".", 2);
  }

  Module& module_;
  Graph& prepare_;
  GraphBuilder builder_;
  ValueNumbering numbering_;
  UniqueNames names_;           // of tensors, and of values of all entries
  std::vector<ValueId> moved_;  // by value of the graph at hand
  std::map<ValueId, std::string> tensor_of_;
  std::map<std::string, ValueId> value_of_;
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
  const Graph* infer = module.find_entry(EntryRole::inference);
  if (infer == nullptr) return false;
  bool changed = false;
  if (module.find_entry(EntryRole::prepare) == nullptr) {
    Graph prepare{.name = std::string(name(EntryRole::prepare)), .role = EntryRole::prepare};
    module.entries.insert(module.entries.begin(), std::move(prepare));
    changed = true;
  }
  for (const EntryRole role : {EntryRole::inference, EntryRole::loss, EntryRole::explain, EntryRole::backward,
                               EntryRole::train_step}) {
    Graph* graph = module.find_entry(role);
    if (graph != nullptr) changed |= hoist_from(module, *graph, *module.find_entry(EntryRole::prepare));
  }
  if (changed) drop_unread(module, *module.find_entry(EntryRole::prepare));
  return changed;
}

}  // namespace rnc
