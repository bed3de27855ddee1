#include "ir/graph/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "runtime/contract/abi.h"

namespace rnc {
namespace {

constexpr std::array<std::string_view, 10> kRoleNames = {
    "model", "infer", "loss", "train", "backward", "update", "train_step", "prepare", "explain", "other"};

constexpr std::array<std::string_view, 9> kInputRoleNames = {
    "sample", "target", "mixture_target", "mixture_share", "learning_rate",
    "step",   "hyper",  "seed",           "grad_output"};

constexpr std::array<std::string_view, 5> kOutputRoleNames = {"prediction", "loss", "term", "activation",
                                                              "gradient"};

constexpr std::array<std::string_view, 3> kPhaseNames = {"forward", "backward", "update"};

void check_input_count(const OpInfo& op, size_t count, const SourceLocation& location) {
  const auto n = static_cast<int>(count);
  if (n >= op.min_inputs && n <= op.max_inputs) return;
  const std::string expected = op.min_inputs == op.max_inputs
                                   ? fmt::format("{}", op.min_inputs)
                                   : fmt::format("{} to {}", op.min_inputs, op.max_inputs);
  throw UserError(location, fmt::format("{}: takes {} operand{}, not {}", op.name, expected,
                                        op.max_inputs == 1 ? "" : "s", n));
}

// A name for a node without one: "%conv1.mul", "%constant.0.5".
std::string name_for(const Node& node) {
  constexpr size_t kLongestLayer = 512;  // names of dumps are limited
  if (node.op == Op::constant) {
    std::string value = str(node.attributes.all().at("value"));
    std::ranges::replace(value, '-', 'm');
    std::ranges::replace(value, '+', 'p');
    return "%constant." + value;
  }
  const bool has_layer = !node.layer.empty() && node.layer.size() <= kLongestLayer;
  return fmt::format("%{}{}{}", has_layer ? node.layer : "", has_layer ? "." : "", name(node.op));
}

// The bit of an optional operand in Node::optional.
int optional_bit(const Node& node, std::string_view optional) {
  const auto& names = info(node.op).optional;
  const auto found = std::ranges::find(names, optional);
  check(found != names.end(), optional);
  return static_cast<int>(found - names.begin());
}

// The place of the optional operand of this bit among the inputs, if it is there.
int place_of_bit(const Node& node, int bit) {
  const unsigned before = node.optional & ((1U << bit) - 1);
  return info(node.op).min_inputs + std::popcount(before);
}

}  // namespace

std::string_view name(Phase phase) { return kPhaseNames[static_cast<size_t>(phase)]; }
std::optional<Phase> phase_named(std::string_view name) {
  const auto* found = std::ranges::find(kPhaseNames, name);
  if (found == kPhaseNames.end()) return std::nullopt;
  return static_cast<Phase>(found - kPhaseNames.begin());
}

int operand_place(const Node& node, std::string_view optional) {
  const int bit = optional_bit(node, optional);
  return (node.optional >> bit & 1) != 0 ? place_of_bit(node, bit) : -1;
}

ValueId operand(const Node& node, std::string_view optional) {
  const int place = operand_place(node, optional);
  return place < 0 ? kNoValue : node.inputs[static_cast<size_t>(place)];
}

void set_operand(Node& node, std::string_view optional, ValueId value) {
  const int bit = optional_bit(node, optional);
  check(operand_place(node, optional) < 0, "the operand is absent");
  node.inputs.insert(node.inputs.begin() + place_of_bit(node, bit), value);
  node.optional = static_cast<uint8_t>(node.optional | 1U << bit);
}

void check_size(const Type& type, const std::function<std::string()>& what, const SourceLocation& location) {
  int64_t size = bytes(type.dtype);
  if (type.shape.size() > RN_MAX_RANK)
    throw UserError(location, fmt::format("{} has more than {} dimensions", what(), RN_MAX_RANK));
  for (size_t d = 0; d < type.shape.size(); ++d) {
    if (type.shape[d] == kBatch && d == 0) continue;
    if (type.shape[d] == kBatch) {
      throw UserError(location, what() + ": only the first size may be the batch");
    }
    if (type.shape[d] < 1) throw UserError(location, what() + ": every size must be at least 1");
    if (size > kLargestSize / type.shape[d]) throw UserError(location, what() + " is too large");
    size *= type.shape[d];
  }
}

std::string_view name(TensorKind kind) {
  switch (kind) {
    case TensorKind::parameter:
      return "parameter";
    case TensorKind::buffer:
      return "buffer";
    case TensorKind::slot:
      return "slot";
    case TensorKind::gradient:
      return "gradient";
    case TensorKind::prepared:
      return "prepared";
  }
  unreachable("tensor kind");
}

std::string_view name(EntryRole role) { return kRoleNames.at(static_cast<size_t>(role)); }

EntryRole role_named(std::string_view name) {
  const auto found = std::ranges::find(kRoleNames, name);
  return found == kRoleNames.end() ? EntryRole::other : static_cast<EntryRole>(found - kRoleNames.begin());
}

std::string_view name(InputRole role) { return kInputRoleNames.at(static_cast<size_t>(role)); }

std::optional<InputRole> input_role_named(std::string_view name) {
  const auto found = std::ranges::find(kInputRoleNames, name);
  if (found == kInputRoleNames.end()) return std::nullopt;
  return static_cast<InputRole>(found - kInputRoleNames.begin());
}

InputRole input_role(const Node& input) {
  if (!input.attributes.has("role")) return InputRole::sample;
  const std::optional<InputRole> role = input_role_named(input.attributes.get<std::string>("role"));
  check(role.has_value(), input.name);
  return *role;
}

std::string_view name(OutputRole role) { return kOutputRoleNames.at(static_cast<size_t>(role)); }

std::optional<OutputRole> output_role_named(std::string_view name) {
  const auto found = std::ranges::find(kOutputRoleNames, name);
  if (found == kOutputRoleNames.end()) return std::nullopt;
  return static_cast<OutputRole>(found - kOutputRoleNames.begin());
}

OutputRole usual_output_role(std::string_view output) {
  return output == "loss" ? OutputRole::loss : OutputRole::prediction;
}

bool computes_gradients(EntryRole role) {
  return role == EntryRole::backward || role == EntryRole::train_step;
}

const Tensor* Module::find_tensor(std::string_view tensor) const {
  const auto it = std::ranges::find(tensors, tensor, &Tensor::name);
  return it == tensors.end() ? nullptr : &*it;
}

const Graph* Module::find_entry(std::string_view entry) const {
  const auto it = std::ranges::find(entries, entry, &Graph::name);
  return it == entries.end() ? nullptr : &*it;
}

Graph* Module::find_entry(std::string_view entry) {
  const auto it = std::ranges::find(entries, entry, &Graph::name);
  return it == entries.end() ? nullptr : &*it;
}

const Graph* Module::find_entry(EntryRole role) const {
  const auto it = std::ranges::find(entries, role, &Graph::role);
  return it == entries.end() ? nullptr : &*it;
}

Graph* Module::find_entry(EntryRole role) {
  const auto it = std::ranges::find(entries, role, &Graph::role);
  return it == entries.end() ? nullptr : &*it;
}

int TensorIndex::index(const std::string& tensor) {
  for (; indexed_ < module_->tensors.size(); ++indexed_) {
    places_.emplace(module_->tensors[indexed_].name, static_cast<int>(indexed_));
  }
  const auto found = places_.find(tensor);
  return found == places_.end() ? -1 : found->second;
}

const Tensor* TensorIndex::find(const std::string& tensor) {
  const int place = index(tensor);
  return place < 0 ? nullptr : &module_->tensors[static_cast<size_t>(place)];
}

void GraphBuilder::index_names() {
  for (; indexed_ < graph_->nodes.size(); ++indexed_) {
    names_.emplace(graph_->nodes[indexed_].name, static_cast<ValueId>(indexed_));
  }
}

// `base` if it is free, else with the first free number after it. Empty: "%" and a number.
std::string GraphBuilder::fresh_name(const std::string& base) {
  index_names();
  if (!names_.contains(base)) return base;
  const std::string prefix = base + ".";
  size_t& number = next_.try_emplace(base, 1).first->second;
  while (names_.contains(prefix + std::to_string(number))) ++number;
  return prefix + std::to_string(number);
}

ValueId GraphBuilder::append(Node node) {
  const std::string free = fresh_name(node.name.empty() ? name_for(node) : node.name);
  if (!node.name.empty() && node.name[0] != '%' && free != node.name) {
    throw UserError(node.location, fmt::format("{} is already defined", node.name));
  }
  node.name = free;
  const auto id = static_cast<ValueId>(graph_->nodes.size());
  graph_->nodes.push_back(std::move(node));
  return id;
}

ValueId GraphBuilder::emit(Op op, std::vector<ValueId> inputs, Attributes attributes, std::string name,
                           std::optional<uint8_t> optional) {
  const OpInfo& row = info(op);
  check_input_count(row, inputs.size(), location_);
  const size_t extra = row.optional.empty() ? 0 : inputs.size() - static_cast<size_t>(row.min_inputs);
  std::vector<Type> types;
  for (const ValueId v : inputs) {
    check(v >= 0 && static_cast<size_t>(v) < graph_->nodes.size(), "operand of an emitted node");
    types.push_back(computed((*graph_)[v].type));
  }
  Node node{.op = op,
            .name = std::move(name),
            .inputs = std::move(inputs),
            .attributes = complete_attributes(row, std::move(attributes), location_),
            .location = location_,
            .layer = op == Op::constant ? "" : layer_,
            .phase = row.kind == OpKind::source ? Phase::forward : phase_,
            .optional = optional.value_or(static_cast<uint8_t>((1U << extra) - 1))};
  check(static_cast<size_t>(std::popcount(node.optional)) == extra, "as many optional operands as are named");
  node.type = row.infer(node, types);
  check_size(
      node.type, [&] { return fmt::format("{}: the result {}", row.name, str(node.type)); }, location_);
  return append(std::move(node));
}

ValueId GraphBuilder::input(std::string name, Type type) {
  check_size(
      type, [&] { return fmt::format("the input {} {}", name, str(type)); }, location_);
  return append({.op = Op::input,
                 .name = std::move(name),
                 .attributes = complete_attributes(info(Op::input), {}, location_),
                 .type = std::move(type),
                 .location = location_,
                 .layer = layer_});
}

ValueId GraphBuilder::state(const std::string& tensor) {
  index_names();
  const auto known = names_.find(tensor);
  if (known != names_.end() && (*graph_)[known->second].op == Op::state) return known->second;
  const Tensor* declared = tensors_.find(tensor);
  if (declared == nullptr) {
    throw UserError(location_, fmt::format("there is no tensor {}", tensor));
  }
  return append({.op = Op::state,
                 .name = declared->name,
                 .type = declared->type,
                 .location = declared->location,
                 .layer = layer_});
}

ValueId GraphBuilder::constant(double value) {
  Attributes attributes;
  attributes.set("value", value);
  return emit(Op::constant, {}, std::move(attributes));
}

ValueId GraphBuilder::clone(Node node, std::vector<ValueId> inputs) {
  node.inputs = std::move(inputs);
  node.kernel = -1;
  index_names();
  if (node.name[0] != '%' && names_.contains(node.name)) node.name.insert(0, "%");
  return append(std::move(node));
}

}  // namespace rnc
