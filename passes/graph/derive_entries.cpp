// Makes the entries of a compiled model from the entry "model", which they replace:
//
//   infer   outputs the predicted value; batch norm uses the running statistics
//   loss    also outputs the loss; batch norm as in infer
//   train   outputs both; batch norm uses the batch's statistics and the running ones move towards them.
//           Frozen batch norm, whose weight and bias are not trained, is as in infer.
//           What dropout drops is random, by an input `seed`; in the others it does nothing.
//           Only if the model names an optimizer and a loss. differentiate makes the training entries of it.
//   explain outputs the first predicted value, as in infer, and the results of the layers that explain_layers
//           marked; has an input `grad_output`, like the predicted value. differentiate adds the gradients.
//
// Each holds only the inputs and nodes its outputs need. Running statistics are updated as PyTorch does:
//   mean' = (1 - momentum) mean + momentum batch_mean
//   var'  = (1 - momentum) var + momentum batch_variance n / (n - 1),  n = elements per channel
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>

#include "ir/ops/ops.h"
#include "passes/graph/optimizers.h"
#include "passes/passes.h"

namespace rnc {
namespace {

// Which nodes the outputs depend on.
std::vector<bool> live_nodes(const Graph& graph, const std::vector<Output>& outputs) {
  std::vector<bool> live(graph.nodes.size());
  for (const Output& output : outputs) live[static_cast<size_t>(output.value)] = true;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    if (!live[i]) continue;
    for (const ValueId v : graph.nodes[i].inputs) live[static_cast<size_t>(v)] = true;
  }
  return live;
}

// (1 - momentum) old + momentum value
ValueId moved(GraphBuilder& b, ValueId old, ValueId value, double momentum) {
  const ValueId keep = b.emit(Op::mul, {old, b.constant(1 - momentum)});
  return b.emit(Op::add, {keep, b.emit(Op::mul, {value, b.constant(momentum)})});
}

// n / (n - 1), for which there must be two: of one value per channel the normalised one is always zero, and
// PyTorch refuses to train on it. In a host that runs the entry all the same the statistics stay finite.
ValueId unbiased_factor(GraphBuilder& b, ValueId x) {
  const ValueId n = b.emit(Op::element_count, {x});
  const ValueId beyond_two = b.emit(Op::relu, {b.emit(Op::sub, {n, b.constant(2)})});
  return b.emit(Op::div, {n, b.emit(Op::add, {beyond_two, b.constant(1)})});
}

// The tensor that a batch norm keeps a running statistic in.
std::string statistic(const Graph& graph, const Node& batch_norm, size_t operand) {
  const Node& node = graph[batch_norm.inputs[operand]];
  if (node.op != Op::state) {
    throw UserError(batch_norm.location,
                    fmt::format("batch_norm: to be trained, its running statistics must be tensors of the "
                                "model; {} is a computed value",
                                node.name));
  }
  return node.name;
}

// The new value of the tensor that is an operand of a batch norm, from its old one: of layers that share it, each changes
// it in turn.
ValueId update(GraphBuilder& b, const Node& batch_norm, size_t operand,
               const std::function<ValueId(ValueId old)>& change) {
  const std::string tensor = statistic(b.graph(), batch_norm, operand);
  std::vector<Assign>& assigns = b.graph().assigns;
  const auto found = std::ranges::find(assigns, tensor, &Assign::tensor);
  const auto place = found - assigns.begin();
  const bool first = found == assigns.end();
  const ValueId changed = change(first ? batch_norm.inputs[operand] : found->value);
  if (first) {
    assigns.push_back({tensor, changed});
  } else {
    assigns[static_cast<size_t>(place)].value = changed;
  }
  return changed;
}

void update_statistics(GraphBuilder& b, const Node& batch_norm) {
  b.set_origin_of(batch_norm);
  const std::string mean = statistic(b.graph(), batch_norm, 3);
  if (mean == statistic(b.graph(), batch_norm, 4))
    throw UserError(batch_norm.location,
                    fmt::format("batch_norm: its running mean and variance are both {}", mean));
  const ValueId x = batch_norm.inputs[0];
  const bool cumulative = rnc::operand(batch_norm, "batches") != kNoValue;
  ValueId count = kNoValue;
  if (cumulative)
    count = update(b, batch_norm, 5, [&](ValueId old) { return b.emit(Op::add, {old, b.constant(1)}); });
  // Towards the batch's by momentum, or so that it is the mean over all batches.
  const auto move = [&](size_t operand, ValueId value) {
    update(b, batch_norm, operand, [&](ValueId old) {
      if (!cumulative) return moved(b, old, value, batch_norm.attributes.get<double>("momentum"));
      return b.emit(Op::add, {old, b.emit(Op::div, {b.emit(Op::sub, {value, old}), count})});
    });
  };
  move(3, b.emit(Op::channel_mean, {x}));
  const ValueId variance = ops::emit_batch_variance(b, x);
  move(4, b.emit(Op::mul, {variance, unbiased_factor(b, x)}));
}

bool is_frozen(TensorIndex& tensors, const Graph& graph, const Node& batch_norm) {
  const auto frozen = [&](ValueId v) {
    if (graph[v].op != Op::state) return false;
    return tensors.find(graph[v].name)->kind == TensorKind::buffer;
  };
  return frozen(batch_norm.inputs[1]) && frozen(batch_norm.inputs[2]);
}

// As PyTorch does. Of values with a batch, the size of the batch decides.
void require_several_values(const Graph& graph, const Node& batch_norm) {
  const Type& x = graph[batch_norm.inputs[0]].type;
  if (has_batch(x.shape) || elements_per_sample(x.shape) > x.shape[1]) return;
  throw UserError(batch_norm.location,
                  fmt::format("batch_norm: {} has one value per channel, on which it cannot be trained: "
                              "freeze \"{}\", or leave out `train`",
                              str(x), batch_norm.layer));
}

bool is_dropout(const Node& node) { return node.op == Op::dropout || node.op == Op::drop_path; }
bool drops(const Node& node) { return is_dropout(node) && node.attributes.get<double>("p") > 0; }

// An argument behind the model's own, which come first, called like its role. `what` has it.
ValueId added_input(GraphBuilder& b, const Module& module, InputRole role, const Type& type,
                    const std::string& what) {
  const std::string called(name(role));
  const auto same = [&](const Node& node) { return node.op == Op::input && node.name == called; };
  const auto taken = std::ranges::find_if(b.graph().nodes, same);
  if (taken != b.graph().nodes.end())
    throw UserError(taken->location, fmt::format("{} has an input {} of its own, beside the model's; the "
                                                 "model's needs another name",
                                                 what, called));
  if (const Tensor* tensor = module.find_tensor(called))
    throw UserError(tensor->location,
                    fmt::format("{} has an input {}; the {} of the model needs another name", what, called,
                                name(tensor->kind)));
  const ValueId input = b.input(called, type);
  b.graph()[input].attributes.set("role", called);
  return input;
}

ValueId seed_input(GraphBuilder& b, const Module& module, const Node& dropout) {
  b.set_origin(dropout.location, {});
  return added_input(b, module, InputRole::seed, {DType::f64, {}, {}},
                     fmt::format("training with {}", name(dropout.op)));
}

// The masks of drop_path, a number for each sample, come before everything else: what they belong to can then be fused
// with whatever is computed by then.
std::map<ValueId, ValueId> masks_of_paths(GraphBuilder& b, const Graph& model, const std::vector<bool>& live,
                                          ValueId seed) {
  std::map<ValueId, ValueId> masks;
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    const Node& node = model.nodes[i];
    if (!live[i] || node.op != Op::drop_path || !drops(node)) continue;
    b.set_origin_of(node);
    masks[static_cast<ValueId>(i)] = ops::emit_mask(b, node, seed);
  }
  return masks;
}

// The part of `model` that `outputs` need. Batch norms of mode "model" take that of the role.
Graph entry(const Module& module, const Graph& model, EntryRole role, const std::vector<Output>& outputs) {
  const bool training = role == EntryRole::training, explains = role == EntryRole::explain;
  Graph graph{.name = std::string(name(role)), .role = role};
  GraphBuilder b(module, graph);
  const std::vector<bool> live = live_nodes(model, outputs);
  std::vector<ValueId> now(model.nodes.size(), kNoValue);
  TensorIndex tensors(module);
  ValueId dropout = kNoValue, seed = kNoValue, grad_output = kNoValue;
  std::map<ValueId, ValueId> path_masks;
  for (size_t i = 0; i < model.nodes.size(); ++i)
    if (live[i] && drops(model.nodes[i])) dropout = static_cast<ValueId>(i);
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    if (!live[i]) continue;
    Node node = model.nodes[i];
    const bool random = training && dropout != kNoValue && seed == kNoValue;
    if (random && node.op != Op::input) {
      seed = seed_input(b, module, model[dropout]);
      path_masks = masks_of_paths(b, model, live, seed);
    }
    if (explains && grad_output == kNoValue && node.op != Op::input)
      grad_output = added_input(b, module, InputRole::grad_output, model[outputs[0].value].type, "--explain");
    if (is_dropout(node)) {
      const ValueId x = now[static_cast<size_t>(node.inputs[0])];
      b.set_origin_of(node);
      const auto mask = path_masks.find(static_cast<ValueId>(i));
      now[i] = !training || !drops(node)  ? x
               : mask == path_masks.end() ? ops::emit_dropped(b, node, x, ops::emit_mask(b, node, seed))
                                          : ops::emit_dropped(b, node, x, mask->second);
      continue;
    }
    const bool takes_mode = node.op == Op::batch_norm && node.attributes.get<std::string>("mode") == "model";
    const bool trains = takes_mode && training && !is_frozen(tensors, model, node);
    if (takes_mode) node.attributes.set("mode", std::string(trains ? "train" : "eval"));
    if (trains) require_several_values(model, node);
    for (ValueId& v : node.inputs) v = now[static_cast<size_t>(v)];
    now[i] = b.clone(node, node.inputs);
    if (trains) update_statistics(b, node);
  }
  for (const Output& output : outputs) {
    graph.outputs.push_back(output.with(now[static_cast<size_t>(output.value)]));
  }
  return graph;
}

// The first prediction, and the marked layers by their names.
std::vector<Output> explained_outputs(const Graph& model) {
  std::vector<Output> outputs = {*std::ranges::find(model.outputs, OutputRole::prediction, &Output::role)};
  for (const Output& output : model.outputs) {
    if (output.role != OutputRole::activation) continue;
    const std::string& layer = model[output.value].name;
    outputs.push_back({layer.substr(layer.starts_with('%') ? 1 : 0), output.value, output.role});
  }
  return outputs;
}

}  // namespace

bool derive_entries(Module& module) {
  const Graph* model = module.find_entry(EntryRole::model);
  if (model == nullptr) return false;
  const auto is_explained = [](const Output& output) { return output.role == OutputRole::activation; };
  const auto is_predicted = [](const Output& output) { return output.role == OutputRole::prediction; };
  std::vector<Output> all = model->outputs, predicted;
  const bool explains = std::erase_if(all, is_explained) > 0;
  std::ranges::copy_if(all, std::back_inserter(predicted), is_predicted);
  const bool has_loss = predicted.size() < all.size();

  std::vector<Graph> entries;
  if (!predicted.empty()) entries.push_back(entry(module, *model, EntryRole::inference, predicted));
  if (has_loss) entries.push_back(entry(module, *model, EntryRole::loss, all));
  if (has_loss && !module.optimizer.name.empty()) {
    module.optimizer = complete_optimizer(module.optimizer);
    entries.push_back(entry(module, *model, EntryRole::training, all));
  }
  if (explains && !predicted.empty())
    entries.push_back(entry(module, *model, EntryRole::explain, explained_outputs(*model)));
  std::erase_if(module.entries, [](const Graph& graph) { return graph.role == EntryRole::model; });
  for (Graph& graph : entries) module.entries.push_back(std::move(graph));
  return true;
}

}  // namespace rnc
