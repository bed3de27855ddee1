#include "ir/graph.h"

#include <fmt/format.h>

#include <algorithm>

namespace rnc {
namespace {

void check_input_count(const OpInfo& op, size_t count, const SourceLocation& location) {
  const auto n = static_cast<int>(count);
  if (n >= op.min_inputs && n <= op.max_inputs) return;
  const std::string expected = op.min_inputs == op.max_inputs
                                   ? fmt::format("{}", op.min_inputs)
                                   : fmt::format("{} to {}", op.min_inputs, op.max_inputs);
  throw UserError(location, fmt::format("{}: takes {} operand{}, not {}", op.name, expected,
                                        op.max_inputs == 1 ? "" : "s", n));
}

}  // namespace

void check_size(const Type& type, std::string_view what, const SourceLocation& location) {
  int64_t size = bytes(type.dtype);
  for (size_t d = 0; d < type.shape.size(); ++d) {
    if (type.shape[d] == kBatch && d == 0) continue;
    if (type.shape[d] == kBatch) {
      throw UserError(location, fmt::format("{}: only the first size may be the batch", what));
    }
    if (type.shape[d] < 1) throw UserError(location, fmt::format("{}: every size must be at least 1", what));
    size = checked_product(size, type.shape[d], location, what);
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

// `base` if it is free, else with the first free number after it. Empty: "%" and a number.
std::string GraphBuilder::fresh_name(std::string_view base) {
  for (; indexed_ < graph_->nodes.size(); ++indexed_) {
    names_.emplace(graph_->nodes[indexed_].name, static_cast<ValueId>(indexed_));
  }
  if (!base.empty() && !names_.contains(base)) return std::string(base);
  const std::string prefix = base.empty() ? "%" : fmt::format("{}.", base);
  size_t number = base.empty() ? graph_->nodes.size() : 1;
  std::string candidate;
  do {
    candidate = fmt::format("{}{}", prefix, number++);
  } while (names_.contains(candidate));
  return candidate;
}

ValueId GraphBuilder::append(Node node) {
  const std::string free = fresh_name(node.name);
  if (!node.name.empty() && node.name[0] != '%' && free != node.name) {
    throw UserError(node.location, fmt::format("{} is already defined", node.name));
  }
  node.name = free;
  const auto id = static_cast<ValueId>(graph_->nodes.size());
  graph_->nodes.push_back(std::move(node));
  return id;
}

ValueId GraphBuilder::emit(Op op, std::vector<ValueId> inputs, Attributes attributes, std::string name) {
  const OpInfo& row = info(op);
  check_input_count(row, inputs.size(), location_);
  std::vector<Type> types;
  for (const ValueId v : inputs) {
    check(v >= 0 && static_cast<size_t>(v) < graph_->nodes.size(), "operand of an emitted node");
    types.push_back((*graph_)[v].type);
  }
  Node node{.op = op,
            .name = std::move(name),
            .inputs = std::move(inputs),
            .attributes = complete_attributes(row, std::move(attributes), location_),
            .location = location_,
            .layer = layer_};
  node.type = row.infer(node, types);
  check_size(node.type, fmt::format("{}: the result {}", row.name, str(node.type)), location_);
  return append(std::move(node));
}

ValueId GraphBuilder::input(std::string name, Type type) {
  check_size(type, fmt::format("the input {} {}", name, str(type)), location_);
  return append({.op = Op::input,
                 .name = std::move(name),
                 .attributes = complete_attributes(info(Op::input), {}, location_),
                 .type = std::move(type),
                 .location = location_,
                 .layer = layer_});
}

ValueId GraphBuilder::state(std::string_view tensor) {
  fresh_name({});  // brings names_ up to date
  const auto known = names_.find(tensor);
  if (known != names_.end() && (*graph_)[known->second].op == Op::state) return known->second;
  const Tensor* declared = module_->find_tensor(tensor);
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

ValueId GraphBuilder::clone(const Node& node, std::vector<ValueId> inputs) {
  Node copy = node;
  copy.inputs = std::move(inputs);
  copy.kernel = -1;
  if (fresh_name(node.name) != node.name && node.name[0] != '%') copy.name = "%" + node.name;
  return append(std::move(copy));
}

}  // namespace rnc
