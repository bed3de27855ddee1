// The graph IR: a module holds named tensors (parameters, buffers, ...) and entries; an entry is a graph of SSA nodes in
// execution order, each with one result. The text form is in ir/README.md, the rules are in ir/graph/verifier.h.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph/type.h"
#include "ir/ops/op.h"

namespace rnc {

using ValueId = int32_t;  // index into Graph::nodes
inline constexpr ValueId kNoValue = -1;

// When in a training step a node runs; outside of training all is forward.
enum class Phase : uint8_t { forward, backward, update };
std::string_view name(Phase);
std::optional<Phase> phase_named(std::string_view name);

// One operation and its result.
//   Op::input  an entry's argument; `name` is the argument's name
//   Op::state  reads the module tensor called `name`; at most one such node per tensor and graph
struct Node {
  Op op;
  // Unique in its graph: "layer1.0.conv1". A generated one starts with '%': "%fc.matmul" of layer fc, "%packed.w".
  std::string name;
  std::vector<ValueId> inputs;  // without optional operands that are absent
  Attributes attributes;        // complete: defaults filled in
  Type type;
  SourceLocation location;
  // The forward operation this comes from; gradients inherit it. Labels kernels and profiles. Empty for
  // constants, which belong to none.
  std::string layer;
  // Index into Graph::kernels: nodes of one kernel are fused and contiguous. -1: not grouped yet.
  int kernel = -1;
  Phase phase = Phase::forward;  // of a source always that
  // Of its operation's optional operands (OpInfo::optional), bit i: whether `inputs` has the i-th.
  uint8_t optional = 0;
};

// The place among node.inputs of the operand that its operation's row calls so; -1 if it is absent.
int operand_place(const Node& node, std::string_view optional);
ValueId operand(const Node& node, std::string_view optional);  // kNoValue if it is absent
// Adds an operand that is absent.
void set_operand(Node& node, std::string_view optional, ValueId value);

// What an argument of an entry is to whoever runs it: attribute `role` of Op::input.
enum class InputRole : uint8_t {
  sample,          // what predictions are computed from; scalars too
  target,          // what the loss compares them with
  mixture_target,  // of a loss for mixtures of two samples: the target of the other one,
  mixture_share,   // and the share of the first
  learning_rate,
  step,   // 1 in the first step of a training, then 2, ...
  hyper,  // the other numbers of the optimizer
  seed,   // of what is random in a run of the entry: a whole number below 2^31
};
std::string_view name(InputRole);  // "sample", "target", ...
std::optional<InputRole> input_role_named(std::string_view name);
InputRole input_role(const Node& input);

enum class OutputRole : uint8_t { prediction, loss, term };  // term: of the loss, which is their sum
std::string_view name(OutputRole);
OutputRole output_role_named(std::string_view name);  // loss for "loss", else prediction

// A result of an entry handed to the caller.
struct Output {
  std::string name;
  ValueId value = kNoValue;
  OutputRole role = OutputRole::prediction;
  // The same of another value.
  Output with(ValueId other) const { return {name, other, role}; }
};

// A module tensor that takes a new value at the end of an entry (every read in the entry sees the old value).
struct Assign {
  std::string tensor;
  ValueId value = kNoValue;
};

// What an entry is for. Passes and hosts go by it; its name is only what it is called.
enum class EntryRole : uint8_t {
  model,       // what a spec says, before its entries are derived
  inference,   // predictions
  loss,        // predictions and the loss, as in inference
  training,    // predictions and the loss, as in training: what differentiate makes the next three of
  backward,    // gradients
  update,      // a step of the optimizer, from gradients
  train_step,  // both
  prepare,     // tensors that other entries read, from parameters
  other,
};
std::string_view name(EntryRole);             // as entries of the role are called: "model", "infer", ...
EntryRole role_named(std::string_view name);  // other if it is no role's
bool computes_gradients(EntryRole);           // backward and train_step

struct Graph {
  std::string name;  // the entry's name
  EntryRole role = EntryRole::other;
  std::vector<Node> nodes;
  std::vector<Output> outputs;
  std::vector<Assign> assigns;
  std::vector<std::string> kernels;  // names of fused groups, by Node::kernel

  const Node& operator[](ValueId v) const { return nodes[static_cast<size_t>(v)]; }
  Node& operator[](ValueId v) { return nodes[static_cast<size_t>(v)]; }
};

enum class TensorKind : uint8_t {
  parameter,  // trained
  buffer,     // saved with the parameters, changed by training's forward pass (running statistics)
  slot,       // optimizer state of a parameter: "momentum.conv1.weight"
  gradient,   // "grad.conv1.weight": written by entry backward, read by entry update
  prepared,   // computed by entry prepare from parameters and buffers: folded or packed weights
};
std::string_view name(TensorKind);

// An initialiser as PyTorch names it; arguments in `attributes`.
//   constant(value) · uniform(bound) · normal(mean, std) · xavier_uniform · xavier_normal ·
//   kaiming_normal(mode = "fan_in" | "fan_out") · kaiming_uniform(a)
// fan_in and fan_out are computed from the tensor's shape as PyTorch does, unless given as attributes of those names.
struct Initializer {
  std::string name = "constant";
  Attributes attributes;
  bool operator==(const Initializer&) const = default;
};

struct Tensor {
  std::string name;
  TensorKind kind = TensorKind::parameter;
  Type type;
  Initializer initializer;
  SourceLocation location;
  std::string of = {};  // of a gradient or slot: the parameter that it belongs to
};

// train sgd(momentum = 0.9, ...): the optimizer and its hyper-parameters, the defaults of the training
// entries' inputs.
struct Optimizer {
  std::string name;  // empty: the model is not trained
  Attributes hyper;
  SourceLocation location;
};

struct Module {
  std::string name;
  std::vector<std::string> classes;         // class names; may be empty
  std::map<std::string, Attribute> recipe;  // epochs, batch_size, lr, ...: the trainer's defaults
  Optimizer optimizer;
  // Of the spec, where passes have replaced the graph that it is computed from: see graph_hash in compiler/.
  std::string hash;
  std::string predict;  // name of the predicted value in entry "model"; also the output's name
  std::vector<Tensor> tensors;
  std::vector<Graph> entries;  // as elaborated: one, called "model"; derive_entries makes the others

  const Tensor* find_tensor(std::string_view tensor) const;
  Graph* find_entry(std::string_view entry);
  const Graph* find_entry(std::string_view entry) const;
  // The first of a role; null if there is none.
  Graph* find_entry(EntryRole role);
  const Graph* find_entry(EntryRole role) const;
};

// Finds tensors by name without looking at each, for whoever asks for many. While it is used, the module's
// tensors may become more, but keep their places and names.
class TensorIndex {
 public:
  explicit TensorIndex(const Module& module) : module_(&module) {}
  // The tensor's place in Module::tensors; -1 if there is none.
  int index(const std::string& tensor);
  const Tensor* find(const std::string& tensor);  // null if there is none

 private:
  const Module* module_;
  std::unordered_map<std::string, int> places_;  // of the first `indexed_` tensors
  size_t indexed_ = 0;
};

// Refuses types that no machine could hold, before anything is computed from their sizes: throws UserError
// naming what `what` returns unless every size is at least 1, only the first is the batch, and a sample's
// bytes stay below 2^48.
void check_size(const Type& type, const std::function<std::string()>& what, const SourceLocation& location);

// Appends nodes to a graph with type inference. Every node it emits takes the builder's current location,
// layer and phase. While it is used, nodes and tensors may become more, but keep their places and names.
class GraphBuilder {
 public:
  GraphBuilder(const Module& module, Graph& graph) : tensors_(module), graph_(&graph) {}

  Graph& graph() { return *graph_; }
  const Node& operator[](ValueId v) const { return (*graph_)[v]; }
  void set_origin(SourceLocation location, std::string layer, Phase phase = Phase::forward) {
    location_ = std::move(location);
    layer_ = std::move(layer);
    phase_ = phase;
  }
  void set_origin_of(const Node& like) { set_origin(like.location, like.layer, like.phase); }

  // Fills in default attributes, checks operand count and attribute names and kinds, infers the type. `name`
  // empty: made from the layer and the operation, or a constant's value, so that it stays the same when other
  // layers change; a taken name is a UserError, unless it starts with '%': then it gets a number.
  // Throws UserError at the current location. The inputs behind those that every such node has are the first
  // optional operands, unless `optional` says which (Node::optional).
  ValueId emit(Op op, std::vector<ValueId> inputs, Attributes attributes = {}, std::string name = {},
               std::optional<uint8_t> optional = {});
  ValueId input(std::string name, Type type);
  ValueId state(const std::string& tensor);  // the tensor's node, made on first use
  ValueId constant(double value);            // f32 scalar
  // Appends `node`, which comes from any graph, with new inputs and in no kernel; keeps its name if free,
  // location and layer.
  ValueId clone(Node node, std::vector<ValueId> inputs);

 private:
  void index_names();
  std::string fresh_name(const std::string& base);
  ValueId append(Node node);
  TensorIndex tensors_;
  Graph* graph_;
  SourceLocation location_;
  std::string layer_;
  Phase phase_ = Phase::forward;
  std::unordered_map<std::string, ValueId> names_;
  size_t indexed_ = 0;                            // nodes already in names_
  std::unordered_map<std::string, size_t> next_;  // by base: the numbers that may be free begin here
};

}  // namespace rnc
