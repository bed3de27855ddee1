#include "ir/text/entry_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/text/metadata.h"
#include "ir/text/named_operands.h"
#include "ir/text/suggest.h"

namespace rnc::text {
namespace {

// Passes make smaller ones. Their code is nested as deep as they have operations.
constexpr size_t kMaxKernelOperations = 2048;

EntryRole role_of(const Statement& entry) {
  if (entry.role.empty()) return role_named(entry.name);
  const EntryRole role = role_named(entry.role);
  if (role == EntryRole::other && entry.role != "other") {
    throw UserError(entry.location, fmt::format("there is no role {} of entries", entry.role));
  }
  return role;
}

OutputRole output_role(const Statement& output) {
  if (output.role.empty()) return usual_output_role(output.name);
  if (const std::optional<OutputRole> role = output_role_named(output.role)) return *role;
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
    graph_[value].attributes =
        complete_attributes(op,
                            keyword_arguments(*statement.value, arguments, 0,
                                              {"classes", "default", "ignore_index", "role"}, environment_),
                            statement.location);
    return value;
  }

  void set_type(Node& node, const Statement& statement) {
    Type declared = evaluate_type(*statement.type, environment_);
    if (computed(declared).dtype != node.type.dtype || declared.shape != node.type.shape) {
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
    graph_.outputs.push_back({statement.name, find_value(*statement.value), output_role(statement)});
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

}  // namespace

[[noreturn]] void misplaced(const Statement& statement, std::string_view where) {
  throw UserError(
      statement.location,
      fmt::format("{} cannot stand in {}", statement.word.empty() ? "an operation" : statement.word, where));
}

SourceLocation origin_of(const Statement& statement) {
  return statement.origin && statement.origin->location ? statement.origin->location : statement.location;
}

Graph read_entry(const Module& module, const TensorNames& tensors, ConstantEnvironment& environment,
                 const Statement& entry, std::vector<SourceLocation>& origins) {
  return EntryReader(module, tensors, environment, entry).read(entry.body, origins);
}

}  // namespace rnc::text
