#include "passes/graph/rewrite.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

namespace rnc {

Rewriter::Rewriter(const Module& module, const Graph& old_graph) : old_(old_graph), builder_(module, new_) {
  new_.name = old_.name;
  new_.role = old_.role;
  new_.kernels = old_.kernels;
}

GraphBuilder& Rewriter::builder() {
  if (!begun_) {
    new_.nodes.assign(old_.nodes.begin(), old_.nodes.begin() + at_hand_);
    now_.assign(old_.nodes.size(), kNoValue);
    std::iota(now_.begin(), now_.begin() + at_hand_, 0);
    builder_.set_origin_of(old_[at_hand_]);
    built_before_ = new_.nodes.size();
    begun_ = true;
  }
  return builder_;
}

ValueId Rewriter::now(ValueId v) const {
  const ValueId value = begun_ ? now_.at(static_cast<size_t>(v)) : v < at_hand_ ? v : kNoValue;
  check(value != kNoValue, "a rewrite rule asks for a value that is not built yet");
  return value;
}

Node Rewriter::with_inputs_now(ValueId v) const {
  Node node = old_[v];
  for (ValueId& input : node.inputs) input = now(input);
  return node;
}

ValueId Rewriter::copy(ValueId v) {
  GraphBuilder& to = builder();
  Node node = with_inputs_now(v);
  std::vector<ValueId> inputs = std::move(node.inputs);
  const ValueId result = to.clone(std::move(node), std::move(inputs));
  new_[result].kernel = old_[v].kernel;
  if (v == at_hand_) plain_copy_ = result;
  return result;
}

bool Rewriter::replace(const RewriteRule& rule, ValueId v) {
  const Node& node = old_[v];
  at_hand_ = v;
  plain_copy_ = kNoValue;
  built_before_ = new_.nodes.size();
  if (begun_) builder_.set_origin_of(node);
  ValueId value = rule(*this, v);
  if (value == kNoValue && !begun_) return false;
  if (value == kNoValue) value = copy(v);
  builder();  // what stands for it may have been there
  for (size_t i = built_before_; i < new_.nodes.size(); ++i) new_.nodes[i].kernel = node.kernel;
  check(new_[value].type.shape == node.type.shape && new_[value].type.dtype == node.type.dtype,
        "a rewrite rule changes the type of " + node.name);
  now_[static_cast<size_t>(v)] = value;
  return value != plain_copy_;
}

bool rewrite(const Module& module, Graph& graph, const RewriteRule& rule) {
  Rewriter rewriter(module, graph);
  bool changed = false;
  for (ValueId v = 0; v < static_cast<ValueId>(graph.nodes.size()); ++v) changed |= rewriter.replace(rule, v);
  if (!changed) return false;
  Graph& rebuilt = rewriter.new_;
  for (const Output& output : graph.outputs) {
    rebuilt.outputs.push_back(output.with(rewriter.now(output.value)));
  }
  for (const Assign& assign : graph.assigns) {
    rebuilt.assigns.push_back({assign.tensor, rewriter.now(assign.value)});
  }
  drop_dead_nodes(rebuilt);
  graph = std::move(rebuilt);
  return true;
}

ValueId kernel_end(const Graph& graph, ValueId begin) {
  const auto count = static_cast<ValueId>(graph.nodes.size());
  const int kernel = graph[begin].kernel;
  ValueId end = begin + 1;
  while (kernel >= 0 && end < count && graph[end].kernel == kernel) ++end;
  return end;
}

std::vector<int> use_counts(const Graph& graph) {
  std::vector<int> counts(graph.nodes.size(), 0);
  const auto use = [&](ValueId v) { ++counts.at(static_cast<size_t>(v)); };
  for (const Node& node : graph.nodes) std::for_each(node.inputs.begin(), node.inputs.end(), use);
  for (const Output& output : graph.outputs) use(output.value);
  for (const Assign& assign : graph.assigns) use(assign.value);
  return counts;
}

namespace {

std::vector<bool> live_nodes(const Graph& graph) {
  std::vector<bool> live(graph.nodes.size(), false);
  for (const Output& output : graph.outputs) live[static_cast<size_t>(output.value)] = true;
  for (const Assign& assign : graph.assigns) live[static_cast<size_t>(assign.value)] = true;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    if (graph.nodes[i].op == Op::input) live[i] = true;
    if (!live[i]) continue;
    for (const ValueId input : graph.nodes[i].inputs) live[static_cast<size_t>(input)] = true;
  }
  return live;
}

// Drops names of kernels that have no node and renumbers the others; whether there were any.
bool drop_empty_kernels(Graph& graph) {
  std::vector<int> renumbered(graph.kernels.size(), -1);
  for (const Node& node : graph.nodes) {
    if (node.kernel >= 0) renumbered.at(static_cast<size_t>(node.kernel)) = 0;
  }
  if (std::find(renumbered.begin(), renumbered.end(), -1) == renumbered.end()) return false;
  std::vector<std::string> kernels;
  for (size_t i = 0; i < renumbered.size(); ++i) {
    if (renumbered[i] < 0) continue;
    renumbered[i] = static_cast<int>(kernels.size());
    kernels.push_back(std::move(graph.kernels[i]));
  }
  for (Node& node : graph.nodes) {
    if (node.kernel >= 0) node.kernel = renumbered[static_cast<size_t>(node.kernel)];
  }
  graph.kernels = std::move(kernels);
  return true;
}

}  // namespace

bool drop_dead_nodes(Graph& graph) {
  const std::vector<bool> live = live_nodes(graph);
  bool changed = false;
  if (std::find(live.begin(), live.end(), false) != live.end()) {
    changed = true;
    std::vector<ValueId> renumbered(graph.nodes.size(), kNoValue);
    std::vector<Node> nodes;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      if (!live[i]) continue;
      renumbered[i] = static_cast<ValueId>(nodes.size());
      nodes.push_back(std::move(graph.nodes[i]));
    }
    const auto renumber = [&](ValueId& v) { v = renumbered[static_cast<size_t>(v)]; };
    for (Node& node : nodes) std::for_each(node.inputs.begin(), node.inputs.end(), renumber);
    for (Output& output : graph.outputs) renumber(output.value);
    for (Assign& assign : graph.assigns) renumber(assign.value);
    graph.nodes = std::move(nodes);
  }
  return drop_empty_kernels(graph) || changed;
}

std::vector<bool> depends_only_on(const Module& module, const Graph& graph,
                                  std::span<const TensorKind> kinds) {
  std::vector<bool> result(graph.nodes.size());
  TensorIndex tensors(module);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.op == Op::input) {
      result[i] = false;
    } else if (node.op == Op::state) {
      const Tensor* tensor = tensors.find(node.name);
      check(tensor != nullptr, node.name);
      result[i] = std::find(kinds.begin(), kinds.end(), tensor->kind) != kinds.end();
    } else {
      result[i] = std::all_of(node.inputs.begin(), node.inputs.end(),
                              [&](ValueId input) { return result[static_cast<size_t>(input)]; });
    }
  }
  return result;
}

std::vector<bool> fixed_values(const Module& module, const Graph& graph) {
  constexpr std::array all = {TensorKind::parameter, TensorKind::buffer, TensorKind::prepared};
  constexpr std::array training = {EntryRole::training, EntryRole::backward, EntryRole::update,
                                   EntryRole::train_step};
  const auto trains = [&](const Graph& entry) { return std::ranges::count(training, entry.role) > 0; };
  std::vector<bool> fixed = depends_only_on(module, graph, all);
  if (!trains(graph)) return fixed;
  std::set<std::string> changed;
  for (const Tensor& tensor : module.tensors) {
    if (tensor.kind == TensorKind::parameter) changed.insert(tensor.name);
  }
  for (const Graph& entry : module.entries) {
    if (!trains(entry)) continue;
    for (const Assign& assign : entry.assigns) changed.insert(assign.tensor);
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.op == Op::state && changed.contains(node.name)) fixed[i] = false;
    for (const ValueId v : node.inputs) fixed[i] = fixed[i] && fixed[static_cast<size_t>(v)];
  }
  return fixed;
}

ValueId& ValueNumbering::operator[](const Node& node) {
  std::vector<ValueId> inputs = node.inputs;
  if (node.op == Op::add || node.op == Op::mul) std::sort(inputs.begin(), inputs.end());
  std::string key = fmt::format("{} {} {} {} {}", name(node.op), node.optional, node.kernel, str(node.type),
                                fmt::join(inputs, " "));
  for (const auto& [attribute, value] : node.attributes.all()) {
    key += fmt::format(" {}={}", attribute, str(value));
  }
  if (node.op == Op::input || node.op == Op::state) key += " " + node.name;
  return values_.try_emplace(std::move(key), kNoValue).first->second;
}

}  // namespace rnc
