// Makes the training entries from the entry "train" (see derive_entries), which they replace:
//
//   backward    train, and the gradient of the loss to every parameter, assigned to the tensor grad.<parameter>
//   update      one step of the optimizer from the grad.* tensors: assigns parameters and optimizer slots
//   train_step  both in one; gradients never reach a tensor
//
// and adds to the entry "explain" (see derive_entries), as outputs, the gradients of the sum of the predicted numbers,
// each times that of the input grad_output, to the results of the layers that it has: torch.autograd.grad.
//
// Reverse-mode differentiation by each operation's gradient rule, over the values between a parameter, or such
// a result, and the loss; gradients of a value used several times are added up. What a gradient rule emits carries the location
// and layer of the forward node. A parameter the loss does not depend on gets no gradient and is left as it
// is, as in PyTorch. The scalar inputs lr, hyper-parameters and step come after the entry's other inputs.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "passes/graph/optimizers.h"
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

bool is_parameter(TensorIndex& tensors, const Node& node) {
  if (node.op != Op::state) return false;
  const Tensor* tensor = tensors.find(node.name);
  return tensor != nullptr && tensor->kind == TensorKind::parameter;
}

// Values to which gradients are wanted; `what` each is.
struct Wanted {
  std::vector<bool> values;
  std::string what;
};

// Whether each value is computed from a wanted one.
std::vector<bool> computed_from(const Graph& graph, const Wanted& wanted) {
  std::vector<bool> computed(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    computed[i] = std::ranges::any_of(graph.nodes[i].inputs, [&](ValueId v) {
      return wanted.values[static_cast<size_t>(v)] || computed[static_cast<size_t>(v)];
    });
  return computed;
}

// Calls give(value, gradient) for each wanted value that `y` depends on, as soon as its gradient is complete. `dy` is
// that of y.
using GiveGradient = std::function<void(ValueId value, ValueId gradient)>;
void emit_gradients(GraphBuilder& b, ValueId y, ValueId y_gradient, const Wanted& wanted,
                    const GiveGradient& give) {
  const std::vector<bool> computed = computed_from(b.graph(), wanted);
  std::vector<ValueId> gradients(computed.size(), kNoValue);
  gradients[static_cast<size_t>(y)] = y_gradient;
  for (ValueId v = y; v >= 0; --v) {
    const ValueId dy = gradients[static_cast<size_t>(v)];
    if (dy == kNoValue) continue;
    if (wanted.values[static_cast<size_t>(v)]) give(v, dy);
    if (!computed[static_cast<size_t>(v)]) continue;
    const Node node = b[v];
    if (info(node.op).gradient == nullptr) {
      throw UserError(node.location, fmt::format("{}: has no gradient, but {} depends on {}", name(node.op),
                                                 node.name, wanted.what));
    }
    b.set_origin(node.location, node.layer, Phase::backward);
    const std::vector<ValueId> to_inputs = info(node.op).gradient(b, v, dy);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (to_inputs[i] == kNoValue) continue;
      ValueId& sum = gradients[static_cast<size_t>(node.inputs[i])];
      sum = sum == kNoValue ? to_inputs[i] : b.emit(Op::add, {sum, to_inputs[i]});
    }
  }
}

// The same for the parameters that the loss depends on.
using GiveParameterGradient = std::function<void(const std::string& parameter, ValueId gradient)>;
void emit_parameter_gradients(const Module& module, GraphBuilder& b, ValueId loss,
                              const GiveParameterGradient& give) {
  Wanted wanted{{}, "a parameter"};
  TensorIndex tensors(module);
  for (const Node& node : b.graph().nodes) wanted.values.push_back(is_parameter(tensors, node));
  b.set_origin(b[loss].location, b[loss].layer, Phase::backward);
  emit_gradients(b, loss, b.constant(1), wanted,
                 [&](ValueId v, ValueId gradient) { give(std::string(b[v].name), gradient); });
}

// The layer whose tensor this is: "layer1.0.conv1" of "layer1.0.conv1.weight".
std::string layer_of(const std::string& tensor) { return tensor.substr(0, tensor.rfind('.')); }

void declare(Module& module, TensorIndex& tensors, const std::string& tensor, TensorKind kind,
             const std::string& parameter) {
  const Tensor& like = *tensors.find(parameter);
  if (tensors.find(tensor) != nullptr) {
    throw UserError(like.location,
                    fmt::format("training {} needs the name {}, which is taken", parameter, tensor));
  }
  Attributes zero;
  zero.set("value", 0.0);
  module.tensors.push_back(
      {tensor, kind, {like.type.dtype, like.type.shape, {}}, {"constant", zero}, like.location, parameter});
}

std::map<std::string, ValueId> emit_update_inputs(GraphBuilder& b, const Module& module) {
  const Optimizer& optimizer = module.optimizer;
  std::map<std::string, ValueId> inputs;
  b.set_origin(optimizer.location, {});
  for (const auto& [name, role] : update_inputs(optimizer)) {
    const auto same = [&](const Node& node) { return node.op == Op::input && node.name == name; };
    const auto taken = std::ranges::find_if(b.graph().nodes, same);
    if (taken != b.graph().nodes.end()) {
      throw UserError(taken->location,
                      fmt::format("training with {} has an input {} of its own, beside the model's; "
                                  "the model's needs another name",
                                  optimizer.name, name));
    }
    if (const Tensor* tensor = module.find_tensor(name))
      throw UserError(tensor->location,
                      fmt::format("training with {} has an input {}; the {} of the model needs another name",
                                  optimizer.name, name, rnc::name(tensor->kind)));
    inputs[name] = b.input(name, {DType::f64, {}, {}});
    b.graph()[inputs[name]].attributes.set("role", std::string(rnc::name(role)));
  }
  return inputs;
}

// The parameters that are the weight or bias of a batch norm.
using ParameterNames = std::set<std::string>;
ParameterNames norm_parameters(const Graph& train) {
  ParameterNames names;
  for (const Node& node : train.nodes) {
    if (node.op != Op::batch_norm) continue;
    for (const size_t operand : {1, 2}) names.insert(train[node.inputs[operand]].name);
  }
  return names;
}

void emit_updates(GraphBuilder& b, const Module& module, TensorIndex& tensors,
                  const std::map<std::string, ValueId>& inputs, const ParameterNames& norms,
                  const std::string& parameter, ValueId gradient) {
  b.set_origin(tensors.find(parameter)->location, layer_of(parameter), Phase::update);
  const std::vector<Assign> assigns =
      emit_update(b, module.optimizer, inputs, parameter, norms.contains(parameter), gradient);
  b.graph().assigns.insert(b.graph().assigns.end(), assigns.begin(), assigns.end());
}

// A copy of `train` in another role, with the update's inputs after its own if `inputs` is not null.
Graph copy_of(const Module& module, const Graph& train, EntryRole role,
              std::map<std::string, ValueId>* inputs) {
  Graph graph{.name = std::string(name(role)), .role = role};
  GraphBuilder b(module, graph);
  std::vector<ValueId> now;
  for (const Node& node : train.nodes) {
    const bool last_input = node.op != Op::input && inputs != nullptr && inputs->empty();
    if (last_input) *inputs = emit_update_inputs(b, module);
    std::vector<ValueId> operands;
    for (const ValueId v : node.inputs) operands.push_back(now[static_cast<size_t>(v)]);
    now.push_back(b.clone(node, std::move(operands)));
  }
  for (const Output& o : train.outputs) graph.outputs.push_back(o.with(now[static_cast<size_t>(o.value)]));
  for (const Assign& a : train.assigns)
    graph.assigns.push_back({a.tensor, now[static_cast<size_t>(a.value)]});
  return graph;
}

ValueId loss_of(const Graph& graph) {
  const auto loss = std::ranges::find(graph.outputs, OutputRole::loss, &Output::role);
  if (loss == graph.outputs.end()) throw UserError(SourceLocation(), "the entry train has no loss");
  const Node& node = graph[loss->value];
  if (node.type != Type())
    throw UserError(node.location, fmt::format("the loss must be f32[], not {}", str(node.type)));
  return loss->value;
}

// The entry backward; declares the gradient tensors, whose parameters it returns.
std::vector<std::string> add_backward(Module& module, TensorIndex& tensors, const Graph& train) {
  Graph graph = copy_of(module, train, EntryRole::backward, nullptr);
  GraphBuilder b(module, graph);
  std::vector<std::string> parameters;
  emit_parameter_gradients(module, b, loss_of(graph), [&](const std::string& parameter, ValueId gradient) {
    parameters.push_back(parameter);
    graph.assigns.push_back({"grad." + parameter, gradient});
  });
  if (parameters.empty()) throw UserError(graph[loss_of(graph)].location, "the loss depends on no parameter");
  std::ranges::reverse(parameters);  // the last layer's gradient came first: back to the model's order
  for (const std::string& parameter : parameters) {
    declare(module, tensors, "grad." + parameter, TensorKind::gradient, parameter);
  }
  drop_dead_nodes(graph);
  module.entries.push_back(std::move(graph));
  return parameters;
}

void add_update(Module& module, TensorIndex& tensors, const std::vector<std::string>& parameters,
                const ParameterNames& norms) {
  Graph graph{.name = std::string(name(EntryRole::update)), .role = EntryRole::update};
  GraphBuilder b(module, graph);
  const std::map<std::string, ValueId> inputs = emit_update_inputs(b, module);
  for (const std::string& parameter : parameters) {
    b.set_origin(tensors.find(parameter)->location, layer_of(parameter));
    emit_updates(b, module, tensors, inputs, norms, parameter, b.state("grad." + parameter));
  }
  module.entries.push_back(std::move(graph));
}

void add_train_step(Module& module, TensorIndex& tensors, const Graph& train, const ParameterNames& norms) {
  std::map<std::string, ValueId> inputs;
  Graph graph = copy_of(module, train, EntryRole::train_step, &inputs);
  GraphBuilder b(module, graph);
  emit_parameter_gradients(module, b, loss_of(graph), [&](const std::string& parameter, ValueId gradient) {
    emit_updates(b, module, tensors, inputs, norms, parameter, gradient);
  });
  drop_dead_nodes(graph);
  module.entries.push_back(std::move(graph));
}

// The gradients that the entry explain lacks; whether it lacked any.
bool add_explained_gradients(const Module& module, Graph& graph) {
  std::vector<Output> outputs;
  Wanted wanted{std::vector<bool>(graph.nodes.size()), "a layer that is to be explained"};
  for (const Output& output : graph.outputs) {
    if (output.role == OutputRole::gradient) return false;
    if (output.role == OutputRole::activation) wanted.values[static_cast<size_t>(output.value)] = true;
  }
  const auto is_factor = [](const Node& node) {
    return node.op == Op::input && input_role(node) == InputRole::grad_output;
  };
  const auto factor = std::ranges::find_if(graph.nodes, is_factor);
  const auto predicted = std::ranges::find(graph.outputs, OutputRole::prediction, &Output::role);
  if (factor == graph.nodes.end() || predicted == graph.outputs.end()) return false;
  GraphBuilder b(module, graph);
  std::map<ValueId, ValueId> gradients;
  emit_gradients(b, predicted->value, static_cast<ValueId>(factor - graph.nodes.begin()), wanted,
                 [&](ValueId v, ValueId gradient) { gradients[v] = gradient; });
  for (const Output& output : graph.outputs) {
    outputs.push_back(output);
    if (output.role != OutputRole::activation) continue;
    const auto gradient = gradients.find(output.value);
    if (gradient == gradients.end())
      throw UserError(graph[output.value].location,
                      fmt::format("{} has no gradient to the layer {}", predicted->name, output.name));
    outputs.push_back({"gradient." + output.name, gradient->second, OutputRole::gradient});
  }
  graph.outputs = std::move(outputs);
  drop_dead_nodes(graph);
  return true;
}

}  // namespace

bool differentiate(Module& module) {
  Graph* explain = module.find_entry(EntryRole::explain);
  const bool explained = explain != nullptr && add_explained_gradients(module, *explain);
  if (module.find_entry(EntryRole::training) == nullptr) return explained;
  module.optimizer = complete_optimizer(module.optimizer);
  const Graph train = *module.find_entry(EntryRole::training);
  std::erase_if(module.entries, [](const Graph& graph) { return graph.role == EntryRole::training; });
  TensorIndex tensors(module);
  const std::vector<std::string> parameters = add_backward(module, tensors, train);
  for (const std::string& parameter : parameters) {
    for (const std::string& slot : slot_tensors(module.optimizer, parameter)) {
      declare(module, tensors, slot, TensorKind::slot, parameter);
    }
  }
  const ParameterNames norms = norm_parameters(train);
  add_update(module, tensors, parameters, norms);
  add_train_step(module, tensors, train, norms);
  return true;
}

}  // namespace rnc
