#include "ir/text/dump.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/graph/verifier.h"
#include "ir/text/declarations.h"
#include "ir/text/entry_reader.h"
#include "ir/text/freeze.h"
#include "ir/text/metadata.h"

namespace rnc::text {
namespace {

class DumpReader {
 public:
  DumpReader(const Library& library, const ElaborateOptions& options, Errors& errors)
      : library_(library),
        options_(options),
        environment_(&errors, evaluate_constants(library, options.set, errors)) {}

  Module read() {
    const Definition& model = *library_.model;
    if (!model.parameters.empty()) {
      throw UserError(model.location, "a model with entries takes its inputs in the entries");
    }
    module_.name = model.name;
    for (const Statement& statement : model.body) {
      if (!environment_.attempt(statement.location, [&] { read(statement); })) poison(statement);
    }
    if (environment_.has_errors()) return {};
    if (!options_.optimizer.empty()) {
      require_model_entry("--optimizer");
      module_.optimizer = parse_optimizer(options_.optimizer);
    }
    if (!options_.freeze.empty()) {
      require_model_entry("--freeze");
      std::vector<FreezePattern> patterns;
      for (const std::string& pattern : options_.freeze) patterns.emplace_back(pattern, SourceLocation{});
      freeze_parameters(module_, patterns);
    }
    if (std::optional<Diagnostic> violation = find_violation(module_)) {
      if (!violation->location) violation->location = model.location;
      throw UserError(*violation);
    }
    set_origins();
    return std::move(module_);
  }

 private:
  void poison(const Statement& failed) {
    if (failed.kind == Statement::Kind::let || failed.kind == Statement::Kind::tensor) {
      tensors_.failed.insert(failed.name);
    }
    for (const Statement& statement : failed.body) poison(statement);
  }

  void read(const Statement& statement) {
    using Kind = Statement::Kind;
    switch (statement.kind) {
      case Kind::classes:
        module_.classes = make_classes(*statement.value, environment_);
        return;
      case Kind::hash:
        module_.hash = make_hash(*statement.value, environment_);
        return;
      case Kind::recipe:
        module_.recipe = make_recipe(*statement.value, environment_);
        return;
      case Kind::train:
        module_.optimizer = make_optimizer(*statement.value, environment_);
        module_.optimizer.location = origin_of(statement);
        return;
      case Kind::predict:
        if (statement.value->kind != Expr::Kind::name) {
          throw UserError(statement.value->location,
                          "predict takes the name of a tensor: give the prediction one");
        }
        module_.predict = statement.value->text;
        return;
      case Kind::tensor:
        read_tensor(statement);
        return;
      case Kind::entry:
        read_entry(statement);
        return;
      case Kind::failed:
        throw Poisoned{};
      default:
        misplaced(statement, "a model with entries, only in an entry");
    }
  }

  void read_tensor(const Statement& statement) {
    if (tensors_.known.contains(statement.name)) {
      throw UserError(statement.location, fmt::format("{} is already defined", statement.name));
    }
    Tensor tensor{.name = statement.name,
                  .kind = tensor_kind(statement.word),
                  .type = evaluate_type(*statement.type, environment_),
                  .location = statement.location};
    if (statement.value) tensor.initializer = make_initializer(*statement.value, environment_);
    tensor.of = statement.of.empty() ? usual_parameter(tensor.kind, tensor.name) : statement.of;
    if (!tensor.of.empty()) require_parameter(tensor);
    add_tensor(module_, std::move(tensor));
    tensors_.known.insert(statement.name);
    tensor_origins_.push_back(origin_of(statement));
  }

  void require_parameter(const Tensor& tensor) const {
    if (tensor.kind != TensorKind::slot && tensor.kind != TensorKind::gradient)
      throw UserError(tensor.location, fmt::format("{} {} belongs to no parameter: slots and gradients do",
                                                   name(tensor.kind), tensor.name));
    const Tensor* parameter = module_.find_tensor(tensor.of);
    if (parameter != nullptr && parameter->kind == TensorKind::parameter) return;
    throw UserError(tensor.location, fmt::format("{} {}: there is no parameter {} before it",
                                                 name(tensor.kind), tensor.name, tensor.of));
  }

  void read_entry(const Statement& statement) {
    if (module_.find_entry(statement.name) != nullptr) {
      throw UserError(statement.location, fmt::format("entry {} is already defined", statement.name));
    }
    module_.entries.push_back(
        text::read_entry(module_, tensors_, environment_, statement, node_origins_.emplace_back()));
  }

  void set_origins() {
    for (size_t i = 0; i < tensor_origins_.size(); ++i) module_.tensors[i].location = tensor_origins_[i];
    for (size_t e = 0; e < node_origins_.size(); ++e) {
      std::vector<Node>& nodes = module_.entries[e].nodes;
      for (size_t i = 0; i < nodes.size(); ++i) nodes[i].location = node_origins_[e][i];
    }
  }

  // Once the training entries are derived, the optimizer is part of them.
  void require_model_entry(std::string_view option) const {
    if (module_.entries.size() == 1 && module_.entries[0].role == EntryRole::model) return;
    throw UserError(
        library_.model->location,
        fmt::format("{} cannot change this dump: its training entries are already derived", option));
  }

  const Library& library_;
  const ElaborateOptions& options_;
  ConstantEnvironment environment_;
  Module module_;
  TensorNames tensors_;
  std::vector<SourceLocation> tensor_origins_;
  std::vector<std::vector<SourceLocation>> node_origins_;  // by entry and node
};

}  // namespace

bool is_dump(const Definition& model) {
  return std::ranges::any_of(model.body, [](const Statement& statement) {
    const bool failed = statement.kind == Statement::Kind::failed;
    return statement.kind == Statement::Kind::entry || (failed && statement.word == "entry");
  });
}

Module read_dump(const Library& library, const ElaborateOptions& options, Errors& errors) {
  return DumpReader(library, options, errors).read();
}

}  // namespace rnc::text
