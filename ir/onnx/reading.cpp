#include "ir/onnx/reading.h"

#include <fmt/format.h>

#include <filesystem>

#include "ir/onnx/joined.h"
#include "ir/onnx/tensor.h"
#include "ir/text/declarations.h"

namespace rnc::onnx {
namespace {

constexpr int64_t kOldestOpset = 6, kNewestOpset = 21;

bool is_default_domain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

}  // namespace

Reading::Reading(const proto::ModelProto& model, std::string file, std::string directory,
                 const Changes& changes)
    : model_(model),
      file_(std::move(file)),
      directory_(std::move(directory)),
      image_(changes.image),
      problems_(file_) {
  context_.new_tensors = changes.new_tensors;
  for (const proto::OperatorSetIdProto& set : model.opset_import())
    if (is_default_domain(set.domain())) context_.opset = set.version();
  context_.from_pytorch = model.producer_name() == "pytorch";
  for (const proto::TensorProto& tensor : model.graph().initializer())
    if (tensor.name().empty() || !initializers_.emplace(tensor.name(), &tensor).second)
      fail(fmt::format("two initializers are called '{}', or one has no name", tensor.name()));
}

Import Reading::run(const std::vector<ModelInput>& inputs, int64_t exported_batch) {
  check_model();
  context_.exported_batch = exported_batch;
  context_.module().name = plain_name(std::filesystem::path(file_).stem().string());
  const size_t image = image_ ? image_place(inputs) : inputs.size();
  for (size_t i = 0; i < inputs.size(); ++i) add_input(inputs[i], i == image);
  for (const auto& [name, tensor] : initializers_) context_.reserve(plain_name(name));
  read_nodes();
  problems_.throw_any();
  for (const proto::ValueInfoProto& output : model_.graph().output()) add_output(output.name());
  if (context_.graph().outputs.empty()) fail("it has no outputs");
  Module module = std::move(context_.module());
  module.predict = context_.graph().outputs[0].name;
  module.entries.push_back(std::move(context_.graph()));
  return {std::move(module), std::move(context_.values())};
}

void Reading::fail(const std::string& why) const { throw UserError({}, fmt::format("{}: {}", file_, why)); }

void Reading::check_model() const {
  if (context_.opset < kOldestOpset || context_.opset > kNewestOpset)
    fail(fmt::format("it is of opset {}; {} to {} are read", context_.opset, kOldestOpset, kNewestOpset));
  if (model_.graph().sparse_initializer_size() > 0) fail("sparse initializers are not read");
  if (static_cast<size_t>(model_.graph().node_size()) > text::kMaxNodes)
    fail(fmt::format("it has more than {} nodes", text::kMaxNodes));
}

void Reading::read_nodes() {
  try {
    for (const proto::NodeProto& node : model_.graph().node()) read(node);
  } catch (const TooManyConstants&) {
    fail("the model has too many constants");
  }
}

void Reading::add_input(const ModelInput& input, bool is_image) {
  const std::string name = plain_name(input.name);
  context_.reserve(name);
  context_.builder().set_origin({}, name);
  define(input.name, {.node = is_image ? add_image(context_.builder(), name, input.type, *image_)
                                       : context_.builder().input(name, input.type)});
}

void Reading::define(const std::string& name, Value value) {
  if (initializers_.contains(name) || !values_.emplace(name, std::move(value)).second)
    fail(fmt::format("'{}' is computed twice", name));
}

Value& Reading::value_of(const std::string& name, const std::string& reader) {
  const auto known = values_.find(name);
  if (known != values_.end()) return known->second;
  const auto found = initializers_.find(name);
  if (found == initializers_.end())
    fail(fmt::format("{} reads '{}', which nothing before it computes", reader, name));
  return values_.emplace(name, Value{.constant = initializer(*found->second)}).first->second;
}

Constant Reading::initializer(const proto::TensorProto& tensor) const {
  try {
    const bool is_new = context_.new_tensors.contains(tensor.name());
    Constant constant = is_new ? zeros_like(tensor) : read_tensor(tensor, directory_);
    constant.is_new = is_new;
    constant.tensor = tensor.name();
    return constant;
  } catch (const UserError& error) {
    fail(error.what());
  }
}

void Reading::read(const proto::NodeProto& node) {
  if (context_.graph().nodes.size() > text::kMaxNodes) fail("it becomes too large a graph");
  const std::string reader = fmt::format("node '{}'", node.name().empty() ? node.op_type() : node.name());
  Values operands;
  bool is_whole = true;
  for (const std::string& name : node.input()) {
    operands.push_back(name.empty() ? Value{} : value_of(name, reader));
    is_whole &= name.empty() || operands.back().is_known();
    if (unread_.contains(name))
      problems_.add(node, context_, operands,
                    fmt::format("it takes '{}', a result of its node that is not read", name));
  }
  while (!operands.empty() && !operands.back().is_known() && is_whole) operands.pop_back();
  const Operator* op = is_default_domain(node.domain()) ? find_operator(node.op_type())
                       : node.domain() == kOwnDomain
                           ? find_operator(fmt::format("{}.{}", kOwnDomain, node.op_type()))
                           : nullptr;
  Values results;
  if (op == nullptr)
    problems_.add(node, context_, operands, "this operator is not supported");
  else if (is_whole)
    results = read(*op, node, operands);
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty()) continue;
    const auto place = static_cast<size_t>(i);
    if (!results.empty() && place >= results.size()) unread_.insert(node.output(i));
    define(node.output(i), place < results.size() ? std::move(results[place]) : Value{});
  }
}

Values Reading::read(const Operator& op, const proto::NodeProto& node, const Values& operands) {
  try {
    Call call(context_, node, operands);
    std::optional<Constant> folded;
    if (op.fold != nullptr && folds(operands)) folded = op.fold(call);
    const Groups groups = op.each_element ? call.take_groups() : Groups{};
    Values results = folded ? one(std::move(*folded)) : op.import(call);
    if (!groups.empty()) results.at(0).groups = groups;
    for (const Value& result : results)
      if (result.constant && !operands.empty()) context_.spend(result.constant->elements());
    return results;
  } catch (const Unsupported& error) {
    problems_.add(node, context_, operands, error.why);
  } catch (const UserError& error) {
    problems_.add(node, context_, operands, error.what());
  }
  return {};
}

bool Reading::folds(const Values& operands) {
  for (const Value& operand : operands) {
    if (!operand.constant || operand.constant->is_weight()) return false;
    if (operand.constant->elements() > kMostFolded) return false;
    context_.spend(operand.constant->elements());
  }
  return !operands.empty();
}

void Reading::add_output(const std::string& name) {
  const Value& value = value_of(name, "the model's output");
  ValueId node = value.node;
  if (!value.groups.empty())
    fail(fmt::format("the batch of output '{}', {}, is not its first dimension", name,
                     str(sizes_of(context_.graph()[node].type.shape, value.groups))));
  context_.builder().set_origin({}, plain_name(name));
  if (value.constant)
    node = value.constant->is_weight() ? context_.tensor(*value.constant, TensorKind::buffer)
                                       : context_.numbers(*value.constant);
  if (node == kNoValue) fail(fmt::format("output '{}' is not a result of its node that is read", name));
  for (const Output& other : context_.graph().outputs)
    if (other.name == plain_name(name)) fail(fmt::format("two outputs are called '{}'", name));
  if (context_.module().find_tensor(plain_name(name)) != nullptr)
    fail(fmt::format("output '{}' has the name of an initializer", name));
  context_.graph().outputs.push_back({plain_name(name), node});
}

}  // namespace rnc::onnx
