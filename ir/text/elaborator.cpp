#include "ir/text/elaborator.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/text/freeze.h"
#include "ir/text/metadata.h"
#include "ir/text/parser.h"
#include "ir/text/suggest.h"

namespace rnc::text {
namespace {

// What `init` can choose an initialiser for.
const std::vector<std::string>& initialized_parts() {
  static const std::vector<std::string> parts = [] {
    std::vector<std::string> names;
    for (const LayerInfo& layer : layers())
      for (const std::string_view part : layer.parameters)
        names.push_back(fmt::format("{}.{}", name(layer.op), part));
    return names;
  }();
  return parts;
}

template <class Map>
void add_keys(const Map& map, std::vector<std::string>& keys) {
  for (const auto& [key, value] : map) keys.push_back(key);
}

}  // namespace

Elaborator::Elaborator(const Library& library, const ElaborateOptions& options, Errors& errors)
    : Environment(&errors),
      library_(library),
      options_(options),
      constants_(evaluate_constants(library, options.set, errors)),
      graph_{.name = "model", .role = EntryRole::model},
      builder_(module_, graph_) {}

Module Elaborator::run() {
  const Definition& model = *library_.model;
  module_.name = model.name;
  frames_.push_back({.definition = &model});
  for (const auto& [name, block] : library_.blocks) {
    if (find_op(name) != nullptr || std::ranges::find(kFunctions, name) != kFunctions.end()) {
      report(UserError(block->location, fmt::format("a block cannot be called {}: that is built in", name)));
    }
  }
  declare_inputs(model);
  try {
    execute(model.body);
  } catch (LimitExceeded& error) {
    add_notes(error.diagnostic);
    throw;
  }
  finish(model);
  return std::move(module_);
}

Type Elaborator::plain_type(const TypeSyntax& syntax) {
  if (!syntax.layout.plain()) throw UserError(syntax.location, "a layout can only be given in a dump");
  Type type = evaluate_type(syntax, *this);
  if (is_stored_only(type))
    throw UserError(syntax.location,
                    fmt::format("{} can only be given in a dump; --precision={} stores values so",
                                name(type.dtype), name(type.dtype)));
  return type;
}

void Elaborator::declare_inputs(const Definition& model) {
  for (const Parameter& input : model.parameters) {
    frames_.back().variables[input.name] = {Poison{}};
    attempt(input.location, [&] {
      claim(input.name, input.location);
      builder_.set_origin(input.location, input.name);
      const Type type = plain_type(*input.type);
      if (contract::graph_use(type.dtype) == contract::GraphUse::scalar) {
        throw UserError(input.type->location,
                        fmt::format("an input of a model is {}; an optimizer's numbers are {}",
                                    contract::tensor_types("or"), name(type.dtype)));
      }
      const ValueId node = builder_.input(input.name, type);
      frames_.back().variables[input.name] = {TensorRef{node}};
      if (input.default_value) set_default(graph_[node], *input.default_value);
    });
  }
}

void Elaborator::set_default(Node& input, const Expr& expr) {
  if (input.type.dtype != contract::kDefaultReal || input.type.rank() != 0) {
    throw UserError(expr.location, fmt::format("{}: only a scalar f32[] can have a default, not {}",
                                               input.name, str(input.type)));
  }
  const double value =
      to_real(evaluate(expr, *this), expr.location, fmt::format("{}: the default", input.name));
  input.attributes.set("default", value);
}

void Elaborator::finish(const Definition& model) {
  const bool lacks_predict = !given_.contains("predict"), lacks_loss = !given_.contains("loss");
  const bool is_certain = !frames_.front().uncertain;
  if (lacks_predict && is_certain) {
    report(UserError(model.location,
                     fmt::format("model {} does not say what it predicts: add `predict NAME`", model.name)));
  }
  if (!options_.optimizer.empty()) module_.optimizer = parse_optimizer(options_.optimizer);
  if (!module_.optimizer.name.empty() && lacks_loss && is_certain) {
    report(UserError(
        module_.optimizer.location,
        fmt::format("model {} cannot be trained without a loss: add `loss cross_entropy(...)`", model.name)));
  }
  if (has_errors()) return;
  for (const std::string& pattern : options_.freeze) frozen_.emplace_back(pattern, SourceLocation{});
  freeze_parameters(module_, frozen_);
  check_output_names();
  if (has_errors()) return;
  graph_.outputs = predicted_;
  if (loss_) graph_.outputs.push_back(*loss_);
  graph_.outputs.insert(graph_.outputs.end(), losses_.begin(), losses_.end());
  assign_input_roles();
  module_.entries.push_back(std::move(graph_));
}

// Results of entries stand beside tensors, their gradients and slots: no two may be called the same.
void Elaborator::check_output_names() {
  std::vector<Output> named = predicted_;
  named.insert(named.end(), losses_.begin(), losses_.end());
  std::set<std::string, std::less<>> seen;
  for (const Output& output : named) {
    const SourceLocation& at = output_places_.at(output.name);
    const std::string of = output.name.substr(output.name.find('.') + 1);
    if (!seen.insert(output.name).second)
      report(
          UserError(at, fmt::format("{} is predicted, and cannot be the name of a loss, too", output.name)));
    if (module_.find_tensor(output.name) != nullptr)
      report(UserError(
          at, fmt::format("{} is a tensor of the model; the result needs another name", output.name)));
    else if (of != output.name && module_.find_tensor(of) != nullptr)
      report(UserError(
          at, fmt::format("{} may be what training calls something of {}; the result needs another name",
                          output.name, of)));
  }
}

// Arrays that predictions do not need are targets. Of a loss for mixtures of two samples, the inputs have these names.
void Elaborator::assign_input_roles() {
  std::vector<bool> needed(graph_.nodes.size(), false);
  for (const Output& output : predicted_) needed[static_cast<size_t>(output.value)] = true;
  for (size_t i = graph_.nodes.size(); i-- > 0;) {
    if (!needed[i]) continue;
    for (const ValueId v : graph_.nodes[i].inputs) needed[static_cast<size_t>(v)] = true;
  }
  const auto find = [&](std::string_view name, DType dtype, const Shape& shape) {
    return std::ranges::find_if(graph_.nodes, [&](const Node& node) {
      return node.op == Op::input && node.name == name && node.type == Type{dtype, shape, {}};
    });
  };
  const auto assign = [](Node& input, InputRole role) {
    input.attributes.set("role", std::string(name(role)));
  };
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    Node& node = graph_.nodes[i];
    if (node.op == Op::input && node.type.rank() > 0 && !needed[i]) assign(node, InputRole::target);
  }
  const auto target = find("label2", DType::i32, {kBatch}),
             share = find("lambda", contract::kDefaultReal, {});
  if (target == graph_.nodes.end() || share == graph_.nodes.end()) return;
  assign(*target, InputRole::mixture_target);
  assign(*share, InputRole::mixture_share);
}

// --- statements

std::optional<Value> Elaborator::execute(const std::vector<Statement>& body) {
  for (const Statement& statement : body) {
    if (auto result = execute(statement)) return result;
  }
  return std::nullopt;
}

// The value of a `return` that was reached, if any.
std::optional<Value> Elaborator::execute(const Statement& statement) {
  const Level level(*this, statement.location);
  count(statement.location);
  std::optional<Value> result;
  if (!attempt(statement.location, [&] { result = execute_kind(statement); })) poison(statement);
  return result;
}

std::optional<Value> Elaborator::execute_kind(const Statement& statement) {
  switch (statement.kind) {
    case Statement::Kind::let:
      let(statement);
      return std::nullopt;
    case Statement::Kind::condition: {
      const bool holds =
          to_boolean(evaluate(*statement.value, *this), statement.value->location, "a condition");
      return execute(holds ? statement.body : statement.otherwise);
    }
    case Statement::Kind::loop:
      return repeat_for(statement);
    case Statement::Kind::result:
      if (frames_.size() == 1) throw UserError(statement.location, "return can only be used in a block");
      return evaluate(*statement.value, *this, std::string(frames_.back().result_name));
    case Statement::Kind::tensor:
      declare_tensor(statement);
      return std::nullopt;
    case Statement::Kind::init:
      choose_initializer(statement);
      return std::nullopt;
    case Statement::Kind::failed:
      throw Poisoned{};
    default:
      model_statement(statement);
      return std::nullopt;
  }
}

// The body for each element of a list, which is called so in it. Names for which operations are made get the number of
// the repetition: conv.0, conv.1, ...
std::optional<Value> Elaborator::repeat_for(const Statement& statement) {
  const SourceLocation& at = statement.value->location;
  const Value value = evaluate(*statement.value, *this);
  const auto* list = value.get<std::shared_ptr<const List>>();
  if (list == nullptr) mismatch(value, at, "what `for` goes through", "a list");
  const std::string outer = frames_.back().suffix;
  std::optional<Value> result;
  for (size_t i = 0; i < (*list)->size() && !result; ++i) {
    frames_.back().suffix = fmt::format("{}.{}", outer, i);
    frames_.back().variables[statement.name] = (**list)[i];
    result = execute(statement.body);
  }
  frames_.back().suffix = outer;
  return result;
}

// Each name stands for an element of the list.
void Elaborator::let_several(const Statement& statement) {
  const SourceLocation& at = statement.value->location;
  const Value value = evaluate(*statement.value, *this);
  const auto* list = value.get<std::shared_ptr<const List>>();
  if (list == nullptr) mismatch(value, at, "the value of several names", "a list");
  if ((*list)->size() != statement.more.size() + 1)
    throw UserError(at, fmt::format("{} names for {} values", statement.more.size() + 1, (*list)->size()));
  frames_.back().variables[statement.name] = (*list)->front();
  for (size_t i = 0; i < statement.more.size(); ++i)
    frames_.back().variables[statement.more[i]] = (**list)[i + 1];
}

void Elaborator::let(const Statement& statement) {
  if (!statement.more.empty()) return let_several(statement);
  const std::string full = scoped(statement.name, statement.location);
  check_free(full, statement.location);
  Value value = evaluate(*statement.value, *this, full);
  if (statement.type) {
    const auto what = fmt::format("{}, which has a type,", statement.name);
    const Type& given = graph_[to_tensor(value, statement.value->location, what)].type;
    const Type declared = plain_type(*statement.type);
    if (declared != given) {
      throw UserError(statement.type->location,
                      fmt::format("{} is declared {} but is {}", statement.name, str(declared), str(given)));
    }
  }
  // A name that stands for a new operation or block is final; one for a number or another tensor can change.
  const Expr::Kind kind = statement.value->kind;
  const bool is_new = kind != Expr::Kind::name && kind != Expr::Kind::index && value.is_tensor();
  if (is_new) names_.try_emplace(full, statement.location);
  frames_.back().variables[statement.name] = std::move(value);
}

void Elaborator::declare_tensor(const Statement& statement) {
  const TensorKind kind = tensor_kind(statement.word);
  if (kind != TensorKind::parameter && kind != TensorKind::buffer) {
    throw UserError(statement.location, fmt::format("a {} can only be declared in a dump", statement.word));
  }
  const std::string name = scoped(statement.name, statement.location);
  Tensor tensor{
      .name = name, .kind = kind, .type = plain_type(*statement.type), .location = statement.location};
  if (statement.value) tensor.initializer = make_initializer(*statement.value, *this);
  builder_.set_origin(statement.location, name);
  frames_.back().variables[statement.name] = {TensorRef{state(std::move(tensor))}};
}

void Elaborator::choose_initializer(const Statement& statement) {
  const std::vector<std::string>& parts = initialized_parts();
  if (std::ranges::find(parts, statement.name) == parts.end()) {
    throw UserError(statement.location, fmt::format("there is no '{}' to initialise{}", statement.name,
                                                    suggestion(Wanted::other, statement.name, parts)));
  }
  initializers_[statement.name] = make_initializer(*statement.value, *this);
}

void Elaborator::model_statement(const Statement& statement) {
  using Kind = Statement::Kind;
  const bool of_dump = statement.kind == Kind::kernel || statement.kind == Kind::output ||
                       statement.kind == Kind::assign || statement.kind == Kind::entry ||
                       statement.kind == Kind::hash;
  const std::string& word = statement.word;
  if (of_dump) {
    throw UserError(statement.location, fmt::format("{} can only be used in {}a dump", word,
                                                    statement.kind == Kind::hash ? "" : "an entry of "));
  }
  if (frames_.size() > 1)
    throw UserError(statement.location, fmt::format("{} can only be used in a model", word));
  if (statement.kind == Kind::freeze) {
    freeze(*statement.value);
    return;
  }
  const auto [first, is_first] = given_.emplace(word, statement.location);
  if (!is_first && statement.kind != Kind::predict && statement.kind != Kind::loss) {
    throw UserError(Diagnostic{statement.location,
                               fmt::format("a model can have only one {}", word),
                               {{first->second, "the first is here", {}}}});
  }
  if (statement.kind == Kind::predict) set_predict(statement);
  if (statement.kind == Kind::loss) set_loss(statement);
  if (statement.kind == Kind::train) module_.optimizer = make_optimizer(*statement.value, *this);
  if (statement.kind == Kind::classes) module_.classes = make_classes(*statement.value, *this);
  if (statement.kind == Kind::recipe) module_.recipe = make_recipe(*statement.value, *this);
}

void Elaborator::freeze(const Expr& expr) {
  const Value value = evaluate(expr, *this);
  const auto* pattern = value.get<std::string>();
  if (value.is_poison()) throw Poisoned{};
  if (pattern == nullptr) {
    throw UserError(expr.location, fmt::format("freeze takes a string, not {}", kind_of(value)));
  }
  frozen_.emplace_back(*pattern, expr.location);
}

void Elaborator::set_predict(const Statement& statement) {
  const Expr& expr = *statement.value;
  const bool named = !statement.name.empty();
  if (!named && expr.kind != Expr::Kind::name) {
    if (evaluate(expr, *this).is_poison()) throw Poisoned{};  // which says what is wrong with it
    throw UserError(expr.location, "predict takes the name of a tensor, or predict NAME = ...");
  }
  const std::string& name = named ? statement.name : expr.text;
  if (name == "loss")
    throw UserError(named ? statement.location : expr.location, "what is predicted cannot be called loss");
  if (std::ranges::count(predicted_, name, &Output::name) > 0)
    throw UserError(statement.location, fmt::format("{} is predicted already", name));
  const bool fresh = named && expr.kind != Expr::Kind::name && !names_.contains(name);
  output_places_.emplace(name, statement.location);
  const Value value = evaluate(expr, *this, fresh ? name : std::string());
  predicted_.push_back({name, to_tensor(value, expr.location, "what is predicted")});
  if (predicted_.size() == 1) module_.predict = name;
}

// loss EXPR, or some of loss NAME = EXPR, whose sum is the loss.
void Elaborator::set_loss(const Statement& statement) {
  const Expr& expr = *statement.value;
  const bool named = !statement.name.empty();
  if (loss_ && (!named || losses_.empty()))
    throw UserError(statement.location, "a model has one loss, or several with names: loss NAME = ...");
  if (statement.name == "loss")
    throw UserError(statement.location, "a loss of several cannot be called loss");
  if (named) output_places_.emplace(statement.name, statement.location);
  if (named && std::ranges::count(losses_, statement.name, &Output::name) > 0)
    throw UserError(statement.location, fmt::format("there is a loss {} already", statement.name));
  const std::string wanted = named ? statement.name : "loss";
  const ValueId node = to_tensor(evaluate(expr, *this, names_.contains(wanted) ? std::string() : wanted),
                                 expr.location, "the loss");
  const Type& type = graph_[node].type;
  if (type.dtype != contract::kDefaultReal || type.rank() != 0) {
    throw UserError(expr.location, fmt::format("the loss must be a scalar f32[], not {}", str(type)));
  }
  if (named) losses_.push_back({statement.name, node, OutputRole::term});
  const bool first = !loss_;
  const ValueId sum =
      first ? node
            : emit(Op::add, {loss_->value, node}, {}, generated_name("loss", expr.location), expr.location);
  loss_ = {"loss", sum, OutputRole::loss};
}

// --- names

Value Elaborator::lookup(const Expr& name) {
  Constants& variables = frames_.back().variables;
  if (const auto it = variables.find(name.text); it != variables.end()) return it->second;
  if (const auto it = constants_.find(name.text); it != constants_.end()) return it->second;
  if (const Definition* block = library_.find_block(name.text)) return {block};
  if (const OpInfo* op = find_op(name.text)) return {op};
  if (const auto value = predefined_constant(name.text)) return *value;
  std::vector<std::string> known = {"true", "false"};
  add_keys(variables, known);
  add_keys(constants_, known);
  add_keys(library_.blocks, known);
  variables[name.text] = {Poison{}};  // it is said once
  throw UserError(name.location,
                  fmt::format("unknown name '{}'{}", name.text, suggestion(Wanted::value, name.text, known)));
}

}  // namespace rnc::text
