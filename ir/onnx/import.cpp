#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <unordered_map>

#include "ir/onnx/class_names.h"
#include "ir/onnx/inputs.h"
#include "ir/onnx/loss.h"
#include "ir/onnx/onnx.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/problems.h"
#include "ir/onnx/tensor.h"
#include "ir/text/declarations.h"
#include "ir/text/freeze.h"

namespace rnc::onnx {
namespace {

constexpr int64_t kOldestOpset = 6, kNewestOpset = 21;
constexpr char kFirstByte = 0x08;  // of the field ir_version, the first there is

bool is_default_domain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

// One reading of a model: with the batch as N, or as the number that it was exported with.
class Reading {
 public:
  Reading(const proto::ModelProto& model, std::string file, std::string directory)
      : model_(model), file_(std::move(file)), directory_(std::move(directory)), problems_(file_) {
    for (const proto::OperatorSetIdProto& set : model.opset_import())
      if (is_default_domain(set.domain())) context_.opset = set.version();
    context_.from_pytorch = model.producer_name() == "pytorch";
    for (const proto::TensorProto& tensor : model.graph().initializer())
      if (tensor.name().empty() || !initializers_.emplace(tensor.name(), &tensor).second)
        fail(fmt::format("two initializers are called '{}', or one has no name", tensor.name()));
  }

  Import run(const std::vector<ModelInput>& inputs, int64_t exported_batch, const ImportOptions& options) {
    check_model();
    context_.exported_batch = exported_batch;
    context_.module().name = plain_name(std::filesystem::path(file_).stem().string());
    for (const ModelInput& input : inputs) add_input(input);
    for (const auto& [name, tensor] : initializers_) context_.reserve(plain_name(name));
    read_nodes();
    problems_.throw_any();
    for (const proto::ValueInfoProto& output : model_.graph().output()) add_output(output.name());
    if (context_.graph().outputs.empty()) fail("it has no outputs");
    context_.module().predict = context_.graph().outputs[0].name;
    Module module = std::move(context_.module());
    module.classes = class_names(model_, file_);
    if (!options.loss.empty()) add_loss(context_.graph(), module, options.loss);
    module.entries.push_back(std::move(context_.graph()));
    return {std::move(module), std::move(context_.values())};
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw UserError({}, fmt::format("{}: {}", file_, why));
  }

  void check_model() const {
    if (context_.opset < kOldestOpset || context_.opset > kNewestOpset)
      fail(fmt::format("it is of opset {}; {} to {} are read", context_.opset, kOldestOpset, kNewestOpset));
    if (model_.graph().sparse_initializer_size() > 0) fail("sparse initializers are not read");
    if (static_cast<size_t>(model_.graph().node_size()) > text::kMaxNodes)
      fail(fmt::format("it has more than {} nodes", text::kMaxNodes));
  }

  void read_nodes() {
    try {
      for (const proto::NodeProto& node : model_.graph().node()) read(node);
    } catch (const TooManyConstants&) {
      fail("the model has too many constants");
    }
  }

  void add_input(const ModelInput& input) {
    context_.reserve(plain_name(input.name));
    context_.builder().set_origin({}, plain_name(input.name));
    const ValueId node = context_.builder().input(plain_name(input.name), input.type);
    define(input.name, {.node = node});
  }

  void define(const std::string& name, Value value) {
    if (initializers_.contains(name) || !values_.emplace(name, std::move(value)).second)
      fail(fmt::format("'{}' is computed twice", name));
  }

  // Of a name that nothing has computed so far: an initializer.
  Value& value_of(const std::string& name, const std::string& reader) {
    const auto known = values_.find(name);
    if (known != values_.end()) return known->second;
    const auto found = initializers_.find(name);
    if (found == initializers_.end())
      fail(fmt::format("{} reads '{}', which nothing before it computes", reader, name));
    return values_.emplace(name, Value{.constant = initializer(*found->second)}).first->second;
  }

  Constant initializer(const proto::TensorProto& tensor) const {
    try {
      Constant constant = read_tensor(tensor, directory_);
      constant.tensor = tensor.name();
      return constant;
    } catch (const UserError& error) {
      fail(error.what());
    }
  }

  void read(const proto::NodeProto& node) {
    if (context_.graph().nodes.size() > text::kMaxNodes) fail("it becomes too large a graph");
    const std::string reader = fmt::format("node '{}'", node.name().empty() ? node.op_type() : node.name());
    Values operands;
    bool is_whole = true;
    for (const std::string& name : node.input()) {
      operands.push_back(name.empty() ? Value{} : value_of(name, reader));
      is_whole &= name.empty() || operands.back().is_known();
    }
    while (!operands.empty() && !operands.back().is_known() && is_whole) operands.pop_back();
    const Operator* op = is_default_domain(node.domain()) ? find_operator(node.op_type()) : nullptr;
    Values results;
    if (op == nullptr)
      problems_.add(node, context_, operands, "this operator is not supported");
    else if (is_whole)
      results = read(*op, node, operands);
    for (int i = 0; i < node.output_size(); ++i) {
      if (node.output(i).empty()) continue;
      const auto place = static_cast<size_t>(i);
      define(node.output(i), place < results.size() ? std::move(results[place]) : Value{});
    }
  }

  Values read(const Operator& op, const proto::NodeProto& node, const Values& operands) {
    try {
      Call call(context_, node, operands);
      std::optional<Constant> folded;
      if (op.fold != nullptr && folds(operands)) folded = op.fold(call);
      Values results = folded ? one(std::move(*folded)) : op.import(call);
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

  // Whether all operands are known numbers that training does not change.
  bool folds(const Values& operands) {
    for (const Value& operand : operands) {
      if (!operand.constant || operand.constant->is_weight()) return false;
      if (operand.constant->elements() > kMostFolded) return false;
      context_.spend(operand.constant->elements());
    }
    return !operands.empty();
  }

  void add_output(const std::string& name) {
    const Value& value = value_of(name, "the model's output");
    ValueId node = value.node;
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

  const proto::ModelProto& model_;
  std::string file_, directory_;
  Context context_;
  Problems problems_;
  std::map<std::string, const proto::TensorProto*> initializers_;
  std::unordered_map<std::string, Value> values_;
};

// With the batch as N, else as the number in the file, where there is one.
Import import_model(const proto::ModelProto& model, const std::string& file, const std::string& directory,
                    const ImportOptions& options) {
  std::set<std::string> initializers;
  for (const proto::TensorProto& tensor : model.graph().initializer()) initializers.insert(tensor.name());
  const ModelInputs inputs = read_inputs(model.graph(), initializers, options.set, file);
  const int64_t exported = inputs.exported_batch;
  if (exported == 0) return Reading(model, file, directory).run(inputs.inputs, 0, options);
  try {
    Import read = Reading(model, file, directory).run(inputs.batched(), exported, options);
    options.tell("note", fmt::format("{}: the batch, which is {} in the file, may be any", file, exported));
    return read;
  } catch (const UserError& error) {
    Import read = Reading(model, file, directory).run(inputs.inputs, 0, options);
    options.tell("warning",
                 fmt::format("the batch stays {}, as in the file; with another: {}", exported, error.what()));
    return read;
  }
}

Import import_parsed(const proto::ModelProto& model, bool parsed, const std::string& file,
                     const std::string& directory, const ImportOptions& options) {
  if (!parsed || !model.has_graph())
    throw UserError({}, fmt::format("{}: not a model in ONNX's format, or a damaged one", file));
  Import read = import_model(model, file, directory, options);
  Module& module = read.module;
  if (!options.optimizer.empty()) module.optimizer = text::parse_optimizer(options.optimizer);
  if (!module.optimizer.name.empty() && options.loss.empty())
    throw UserError({}, "--optimizer: a model in ONNX's format has no loss; add --loss cross_entropy");
  std::vector<text::FreezePattern> frozen;
  for (const std::string& pattern : options.freeze) frozen.emplace_back(pattern, SourceLocation{});
  text::freeze_parameters(module, frozen);
  return read;
}

}  // namespace

bool is_model_file(const std::string& path) {
  if (path.ends_with(".onnx")) return true;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  return file.peek() == kFirstByte;
}

Import import_bytes(std::string_view bytes, const std::string& name, const std::string& directory,
                    const ImportOptions& options) {
  proto::ModelProto model;
  const bool parsed = model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return import_parsed(model, parsed, name, directory, options);
}

Import import_file(const std::string& path, const ImportOptions& options) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    throw UserError({}, fmt::format("cannot read '{}': {}", path, error ? error.message() : "it is no file"));
  std::ifstream file(path, std::ios::binary);
  proto::ModelProto model;
  const bool parsed = file && model.ParseFromIstream(&file);
  return import_parsed(model, parsed, path, std::filesystem::path(path).parent_path().string(), options);
}

}  // namespace rnc::onnx
