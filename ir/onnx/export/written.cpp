#include "ir/onnx/export/written.h"

#include <fmt/format.h>

#include <set>

namespace rnc::onnx {
namespace {

constexpr int64_t kMostNumbers = int64_t{1} << 29;  // 2 GiB of f32

TensorData numbers_of(const Node& constants) {
  const auto& values = constants.attributes.get<std::vector<double>>("values");
  if (elements_per_sample(constants.type.shape) >= kMostNumbers)
    throw UserError(constants.location,
                    "its numbers are more than the 2 GiB that a file in ONNX's format holds");
  const auto count = static_cast<size_t>(elements_per_sample(constants.type.shape));
  TensorData data{constants.type.shape, values};
  if (values.size() == 1) data.values.assign(count, values[0]);
  return data;
}

}  // namespace

std::string plain(const std::string& name) { return name.starts_with('%') ? name.substr(1) : name; }

Written::Written(const Module& module, const Graph& graph, const Tensors& weights, const Tensors& prepared,
                 Writer& writer)
    : tensors_(module),
      prepare_(module.find_entry(EntryRole::prepare)),
      graph_(graph),
      weights_(weights),
      prepared_(prepared),
      writer_(writer),
      names_(graph.nodes.size()),
      truths_(graph.nodes.size()) {
  for (const Output& output : graph.outputs) outputs_.emplace(output.value, output.name);
  if (prepare_ != nullptr)
    for (const Assign& assign : prepare_->assigns) prepared_values_.emplace(assign.tensor, assign.value);
  for (const Node& node : graph.nodes) {
    const Tensor* tensor = node.op == Op::state ? tensors_.find(node.name) : nullptr;
    if (tensor == nullptr || tensor->kind == TensorKind::prepared) continue;
    if (writer.reserve(node.name)) weight_names_.insert(node.name);
  }
}

std::string Written::result_name(ValueId v) {
  const auto output = outputs_.find(v);
  const bool is_source = graph_[v].op == Op::input || graph_[v].op == Op::state;
  if (output != outputs_.end() && !is_source) return output->second;
  return writer_.free_name(plain(graph_[v].name));
}

std::string Written::name(ValueId v) {
  std::string& known = names_[static_cast<size_t>(v)];
  if (!known.empty()) return known;
  const Node& node = graph_[v];
  if (is_fixed(v)) return shaped(v, node.type.shape);
  if (node.op == Op::constant) return known = writer_.scalar(node.attributes.get<double>("value"));
  if (truth(v).empty()) return {};  // of an operation that was refused
  const std::string result = result_name(v);
  writer_.add_node("Cast", {truth(v)}, {result}, plain(node.name) + ".Cast",
                   {{"to", int64_t{proto::TensorProto::FLOAT}}});
  return names_[static_cast<size_t>(v)] = result;
}

const TensorData& Written::fixed(ValueId v) {
  const Node& node = graph_[v];
  if (node.op == Op::constants) {
    const auto known = lists_.find(v);
    return known != lists_.end() ? known->second : lists_.emplace(v, numbers_of(node)).first->second;
  }
  const auto prepared = prepared_.find(node.name);
  return prepared != prepared_.end() ? prepared->second : weights_.at(node.name);
}

// The only weight that a prepared tensor is computed from: its name, or empty.
std::string Written::origin_of(const std::string& prepared) const {
  const auto found = prepared_values_.find(prepared);
  if (found == prepared_values_.end()) return {};
  std::set<std::string> origins;
  std::vector<ValueId> open = {found->second};
  std::set<ValueId> seen = {found->second};
  while (!open.empty()) {
    const Node& node = (*prepare_)[open.back()];
    open.pop_back();
    if (node.op == Op::state) origins.insert(node.name);
    for (const ValueId input : node.inputs)
      if (seen.insert(input).second) open.push_back(input);
  }
  return origins.size() == 1 ? *origins.begin() : std::string();
}

// A weight keeps its name, and so does what is made of one alone.
std::string Written::initializer_name(ValueId v, const std::string& wanted) {
  const Node& node = graph_[v];
  if (weight_names_.erase(node.name) > 0) return node.name;
  const Tensor* tensor = node.op == Op::state ? tensors_.find(node.name) : nullptr;
  if (tensor == nullptr || tensor->kind != TensorKind::prepared) return writer_.free_name(plain(node.name));
  if (!wanted.empty()) return writer_.free_name(wanted);
  const std::string origin = origin_of(node.name);
  return writer_.free_name(origin.empty() ? node.name : origin);
}

std::string Written::shaped(ValueId v, const Shape& shape, const std::string& wanted) {
  std::string& known = initializers_[fmt::format("{} {}", v, str(shape))];
  if (!known.empty()) return known;
  known = initializer_name(v, wanted);
  writer_.initializer(known, DType::f32, shape, fixed(v).values);
  return known;
}

std::string Written::transposed(ValueId v, const std::string& wanted) {
  std::string& known = initializers_[fmt::format("{} transposed", v)];
  if (!known.empty()) return known;
  const TensorData& data = fixed(v);
  const auto rows = static_cast<size_t>(data.shape[0]), columns = static_cast<size_t>(data.shape[1]);
  std::vector<double> elements(data.values.size());
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < columns; ++j) elements[j * rows + i] = data.values[i * columns + j];
  known = initializer_name(v, wanted);
  writer_.initializer(known, DType::f32, {data.shape[1], data.shape[0]}, elements);
  return known;
}

}  // namespace rnc::onnx
