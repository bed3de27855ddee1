#include "ir/text/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/graph/verifier.h"
#include "ir/text/declarations.h"
#include "ir/text/freeze.h"
#include "ir/text/metadata.h"
#include "ir/text/named_operands.h"
#include "ir/text/suggest.h"

namespace rnc::text {
namespace {

// Passes make smaller ones. Their code is nested as deep as they have operations.
constexpr size_t kMaxKernelOperations = 2048;

[[noreturn]] void misplaced(const Statement& statement, std::string_view where) {
  throw UserError(
      statement.location,
      fmt::format("{} cannot stand in {}", statement.word.empty() ? "an operation" : statement.word, where));
}

// The place in the spec, where the dump says it; else the place in the dump.
SourceLocation origin_of(const Statement& statement) {
  return statement.origin && statement.origin->location ? statement.origin->location : statement.location;
}

struct TensorNames {
  std::set<std::string> known;
  std::set<std::string> failed;  // their statements have
};

EntryRole role_of(const Statement& entry) {
  if (entry.role.empty()) return role_named(entry.name);
  const EntryRole role = role_named(entry.role);
  if (role == EntryRole::other && entry.role != "other") {
    throw UserError(entry.location, fmt::format("there is no role {} of entries", entry.role));
  }
  return role;
}

OutputRole output_role(const Statement& output) {
  if (output.role == "loss") return OutputRole::loss;
  if (output.role == "prediction") return OutputRole::prediction;
  throw UserError(output.location, fmt::format("there is no role {} of outputs", output.role));
}

// Reads the statements of one entry.
class EntryReader {
 public:
  EntryReader(const Module& module, const TensorNames& tensors, ConstantEnvironment& environment,
              const Statement& entry)
      : module_(module),
        tensors_(tensors),
        environment_(environment),
        graph_{.name = entry.name, .role = role_of(entry)},
        builder_(module, graph_) {}

  // Nodes keep their places in the dump, for the verifier's messages; `origins` gets those in the spec.
  Graph read(const std::vector<Statement>& body, std::vector<SourceLocation>& origins) {
    for (const Statement& statement : body) attempt(statement);
    origins = std::move(origins_);
    return std::move(graph_);
  }

 private:
  void attempt(const Statement& statement) {
    if (!environment_.attempt(statement.location, [&] { read(statement); })) poison(statement);
  }

  // A name that stands for no value is that of a failed statement.
  void poison(const Statement& failed) {
    if (failed.kind == Statement::Kind::let) names_.emplace(failed.name, kNoValue);
    for (const Statement& statement : failed.body) poison(statement);
  }

  void read(const Statement& statement) {
    if (statement.kind == Statement::Kind::kernel && kernel_ < 0) {
      read_kernel(statement);
    } else if (statement.kind == Statement::Kind::output && kernel_ < 0) {
      read_output(statement);
    } else if (statement.kind == Statement::Kind::assign && kernel_ < 0) {
      read_assign(statement);
    } else {
      read_node(statement);
    }
  }

  void read_kernel(const Statement& statement) {
    kernel_ = static_cast<int>(graph_.kernels.size());
    graph_.kernels.push_back(statement.name);
    if (statement.body.size() > kMaxKernelOperations) {
      throw UserError(statement.location, fmt::format("the kernel {} has more than {} operations",
                                                      statement.name, kMaxKernelOperations));
    }
    for (const Statement& member : statement.body) attempt(member);
    kernel_ = -1;
  }

  void read_node(const Statement& statement) {
    if (statement.kind == Statement::Kind::failed) throw Poisoned{};
    if (statement.kind != Statement::Kind::let) misplaced(statement, kernel_ < 0 ? "an entry" : "a kernel");
    if (graph_.nodes.size() >= kMaxNodes) {
      throw LimitExceeded{
          {statement.location, fmt::format("the entry has more than {} operations", kMaxNodes), {}}};
    }
    if (names_.contains(statement.name)) {
      throw UserError(statement.location, fmt::format("{} is already defined", statement.name));
    }
    builder_.set_origin(statement.location, layer_of(statement.name));
    const ValueId value = emit(statement);
    names_.emplace(statement.name, value);
    Node& node = graph_[value];
    const std::string layer = statement.origin && statement.origin->layer ? *statement.origin->layer
                                                                          : usual_layer(node.op, node.name);
    if (statement.type) set_type(node, statement);
    node.kernel = kernel_;
    node.layer = layer;
    node.phase = phase_of(statement, node);
    node.location = statement.location;
    origins_.push_back(origin_of(statement));
  }

  static Phase phase_of(const Statement& statement, const Node& node) {
    if (!statement.origin || statement.origin->phase.empty()) return Phase::forward;
    const std::optional<Phase> phase = phase_named(statement.origin->phase);
    if (!phase)
      throw UserError(statement.location, fmt::format("there is no phase '{}'", statement.origin->phase));
    if (*phase != Phase::forward && info(node.op).kind == OpKind::source)
      throw UserError(statement.location,
                      fmt::format("{}: {} belongs to no phase", name(node.op), node.name));
    return *phase;
  }

  ValueId emit(const Statement& statement) {
    const Expr& call = *statement.value;
    if (call.kind != Expr::Kind::call) {
      throw UserError(call.location, "a statement of a dump must be one operation");
    }
    const OpInfo* op = find_op(call.text);
    if (op == nullptr) {
      std::vector<std::string> known;
      for (const Op each : all_ops()) known.emplace_back(name(each));
      throw UserError(call.location, fmt::format("unknown operation '{}'{}", call.text,
                                                 suggestion(Wanted::operation, call.text, known)));
    }
    if (op->op == Op::input || op->op == Op::state) return emit_source(*op, statement);
    std::vector<ValueId> inputs;
    std::vector<NamedOperand> named;
    Expr attributes{.kind = Expr::Kind::call, .location = call.location, .text = call.text};
    for (const Expr& operand : call.operands) {
      if (operand.keyword.empty() && attributes.operands.empty()) {
        inputs.push_back(find_value(operand));
      } else if (names_operand(*op, operand)) {
        named.push_back({&operand, find_value(operand)});
      } else {
        attributes.operands.push_back(operand);
      }
    }
    std::vector<std::string> known;
    for (const AttributeSpec& spec : op->attributes) known.emplace_back(spec.name);
    known.insert(known.end(), op->optional.begin(), op->optional.end());
    if (known.empty() && !attributes.operands.empty()) {
      throw UserError(call.location, fmt::format("{}: takes no named arguments", op->name));
    }
    const std::optional<uint8_t> optional = add_named_operands(*op, named, inputs);
    return builder_.emit(
        op->op, std::move(inputs),
        keyword_arguments(attributes, evaluate_arguments(attributes, environment_), 0, known, environment_),
        statement.name, optional);
  }

  ValueId emit_source(const OpInfo& op, const Statement& statement) {
    const Arguments arguments = evaluate_arguments(*statement.value, environment_);
    if (!arguments.empty() && (op.op == Op::state || positional_count(arguments) > 0)) {
      throw UserError(statement.value->location, fmt::format("{}: takes no arguments", op.name));
    }
    if (op.op == Op::state) {
      require_tensor(statement.name, statement.location);
      return builder_.state(statement.name);
    }
    if (!statement.type) throw UserError(statement.location, "input: the type is missing");
    const ValueId value = builder_.input(statement.name, evaluate_type(*statement.type, environment_));
    graph_[value].attributes = complete_attributes(
        op, keyword_arguments(*statement.value, arguments, 0, {"default", "role"}, environment_),
        statement.location);
    return value;
  }

  void set_type(Node& node, const Statement& statement) {
    Type declared = evaluate_type(*statement.type, environment_);
    if (declared.dtype != node.type.dtype || declared.shape != node.type.shape) {
      throw UserError(statement.type->location,
                      fmt::format("{} is declared {} but is {}", node.name, str(declared), str(node.type)));
    }
    node.type = std::move(declared);
  }

  void read_output(const Statement& statement) {
    const auto same_name = [&](const Output& output) { return output.name == statement.name; };
    if (std::ranges::any_of(graph_.outputs, same_name)) {
      throw UserError(statement.location, fmt::format("there already is an output {}", statement.name));
    }
    const OutputRole role =
        statement.role.empty() ? output_role_named(statement.name) : output_role(statement);
    graph_.outputs.push_back({statement.name, find_value(*statement.value), role});
  }

  void read_assign(const Statement& statement) {
    require_tensor(statement.name, statement.location);
    if (!assigned_.insert(statement.name).second) {
      throw UserError(statement.location, fmt::format("{} is already assigned", statement.name));
    }
    const ValueId value = find_value(*statement.value);
    const Type &from = graph_[value].type, &to = module_.find_tensor(statement.name)->type;
    if (from.dtype != to.dtype || from.shape != to.shape) {
      throw UserError(statement.location, fmt::format("{} {} cannot take the value of {} {}", statement.name,
                                                      str(to), graph_[value].name, str(from)));
    }
    graph_.assigns.push_back({statement.name, value});
  }

  ValueId find_value(const Expr& name) const {
    if (name.kind != Expr::Kind::name) {
      throw UserError(name.location, "an operand in a dump must be the name of a value");
    }
    const auto it = names_.find(name.text);
    if (it != names_.end() && it->second == kNoValue) throw Poisoned{};
    if (it != names_.end()) return it->second;
    std::vector<std::string> known;
    for (const auto& [value, id] : names_) known.push_back(value);
    throw UserError(name.location, fmt::format("unknown name '{}'{}", name.text,
                                               suggestion(Wanted::value, name.text, known)));
  }

  void require_tensor(const std::string& name, const SourceLocation& location) const {
    if (tensors_.known.contains(name)) return;
    if (tensors_.failed.contains(name)) throw Poisoned{};
    throw UserError(location, fmt::format("unknown tensor '{}'{}", name,
                                          suggestion(Wanted::other, name,
                                                     {tensors_.known.begin(), tensors_.known.end()})));
  }

  const Module& module_;
  const TensorNames& tensors_;
  ConstantEnvironment& environment_;
  Graph graph_;
  GraphBuilder builder_;
  std::map<std::string, ValueId> names_;
  std::set<std::string> assigned_;
  std::vector<SourceLocation> origins_;  // by node
  int kernel_ = -1;
};

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
    EntryReader reader(module_, tensors_, environment_, statement);
    module_.entries.push_back(reader.read(statement.body, node_origins_.emplace_back()));
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
