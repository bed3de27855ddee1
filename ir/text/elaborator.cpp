#include "ir/text/elaborator.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/text/freeze.h"
#include "ir/text/metadata.h"
#include "ir/text/parser.h"
#include "ir/text/suggest.h"

namespace rnc::text {
namespace {

// What `init` can choose an initialiser for.
const std::vector<std::string>& initialized_parts() {
  static const std::vector<std::string> parts = {"conv2d.weight", "conv2d.bias",       "linear.weight",
                                                 "linear.bias",   "batch_norm.weight", "batch_norm.bias"};
  return parts;
}

template <class Map>
void add_keys(const Map& map, std::vector<std::string>& keys) {
  for (const auto& [key, value] : map) keys.push_back(key);
}

}  // namespace

Elaborator::Elaborator(const Library& library, const ElaborateOptions& options)
    : library_(library),
      options_(options),
      constants_(evaluate_constants(library, options.set)),
      graph_{.name = "model"},
      builder_(module_, graph_) {
  for (const auto& [name, block] : library.blocks) {
    if (find_op(name) != nullptr || std::ranges::find(kFunctions, name) != kFunctions.end()) {
      throw UserError(block->location, fmt::format("a block cannot be called {}: that is built in", name));
    }
  }
}

Module Elaborator::run() {
  const Definition& model = *library_.model;
  module_.name = model.name;
  frames_.push_back({.definition = &model});
  declare_inputs(model);
  execute(model.body);
  finish(model);
  return std::move(module_);
}

Type Elaborator::plain_type(const TypeSyntax& syntax) {
  if (!syntax.layout.plain()) throw UserError(syntax.location, "a layout can only be given in a dump");
  return evaluate_type(syntax, *this);
}

void Elaborator::declare_inputs(const Definition& model) {
  for (const Parameter& input : model.parameters) {
    claim(input.name, input.location);
    builder_.set_origin(input.location, input.name);
    const Type type = plain_type(*input.type);
    if (type.dtype == DType::f64) {
      throw UserError(input.type->location,
                      "an input of a model is f32, u8 or i32; an optimizer's numbers are f64");
    }
    const ValueId node = builder_.input(input.name, type);
    frames_.back().variables[input.name] = {TensorRef{node}};
  }
}

void Elaborator::finish(const Definition& model) {
  if (!predict_) {
    throw UserError(model.location,
                    fmt::format("model {} does not say what it predicts: add `predict NAME`", model.name));
  }
  if (!options_.optimizer.empty()) module_.optimizer = parse_optimizer(options_.optimizer);
  if (!module_.optimizer.name.empty() && !loss_) {
    throw UserError(
        module_.optimizer.location,
        fmt::format("model {} cannot be trained without a loss: add `loss cross_entropy(...)`", model.name));
  }
  for (const std::string& pattern : options_.freeze) frozen_.emplace_back(pattern, SourceLocation{});
  freeze_parameters(module_, frozen_);
  graph_.outputs.push_back(*predict_);
  if (loss_) graph_.outputs.push_back(*loss_);
  module_.entries.push_back(std::move(graph_));
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
  switch (statement.kind) {
    case Statement::Kind::let:
      let(statement);
      return std::nullopt;
    case Statement::Kind::condition: {
      const bool holds =
          to_boolean(evaluate(*statement.value, *this), statement.value->location, "a condition");
      return execute(holds ? statement.body : statement.otherwise);
    }
    case Statement::Kind::result:
      if (frames_.size() == 1) throw UserError(statement.location, "return can only be used in a block");
      return evaluate(*statement.value, *this, std::string(frames_.back().result_name));
    case Statement::Kind::tensor:
      declare_tensor(statement);
      return std::nullopt;
    case Statement::Kind::init:
      choose_initializer(statement);
      return std::nullopt;
    default:
      model_statement(statement);
      return std::nullopt;
  }
}

void Elaborator::let(const Statement& statement) {
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
  const bool is_new = statement.value->kind != Expr::Kind::name && value.is_tensor();
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
                                                    suggestion(statement.name, parts)));
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
  if (!is_first) {
    throw UserError(Diagnostic{statement.location,
                               fmt::format("a model can have only one {}", word),
                               {{first->second, "the first is here", {}}}});
  }
  if (statement.kind == Kind::predict) set_predict(*statement.value);
  if (statement.kind == Kind::loss) set_loss(*statement.value);
  if (statement.kind == Kind::train) module_.optimizer = make_optimizer(*statement.value, *this);
  if (statement.kind == Kind::classes) module_.classes = make_classes(*statement.value, *this);
  if (statement.kind == Kind::recipe) module_.recipe = make_recipe(*statement.value, *this);
}

void Elaborator::freeze(const Expr& expr) {
  const Value value = evaluate(expr, *this);
  const auto* pattern = value.get<std::string>();
  if (pattern == nullptr) {
    throw UserError(expr.location, fmt::format("freeze takes a string, not {}", kind_of(value)));
  }
  frozen_.emplace_back(*pattern, expr.location);
}

void Elaborator::set_predict(const Expr& expr) {
  if (expr.kind != Expr::Kind::name) {
    throw UserError(expr.location, "predict takes the name of a tensor: give the prediction one");
  }
  if (expr.text == "loss") throw UserError(expr.location, "what is predicted cannot be called loss");
  predict_ = {expr.text, to_tensor(lookup(expr), expr.location, "what is predicted")};
  module_.predict = expr.text;
}

void Elaborator::set_loss(const Expr& expr) {
  const std::string name = names_.contains("loss") ? std::string() : "loss";
  const ValueId node = to_tensor(evaluate(expr, *this, name), expr.location, "the loss");
  const Type& type = graph_[node].type;
  if (type.dtype != DType::f32 || type.rank() != 0) {
    throw UserError(expr.location, fmt::format("the loss must be a scalar f32[], not {}", str(type)));
  }
  loss_ = {"loss", node};
}

// --- names

Value Elaborator::lookup(const Expr& name) {
  const Constants& variables = frames_.back().variables;
  if (const auto it = variables.find(name.text); it != variables.end()) return it->second;
  if (const auto it = constants_.find(name.text); it != constants_.end()) return it->second;
  if (const auto it = library_.blocks.find(name.text); it != library_.blocks.end()) return {it->second.get()};
  if (const auto value = predefined_constant(name.text)) return *value;
  std::vector<std::string> known;
  add_keys(variables, known);
  add_keys(constants_, known);
  add_keys(library_.blocks, known);
  throw UserError(name.location, fmt::format("unknown name '{}'{}", name.text, suggestion(name.text, known)));
}

// --- blocks

Value Elaborator::call_block(const Definition& block, const Expr& call, const Arguments& arguments,
                             std::string scope, std::string result_name) {
  const Level level(*this, call.location);
  check_recursion(block, call);
  check_arguments(block, call, arguments);
  const auto initializers = initializers_;  // `init` in a block holds to its end
  frames_.push_back({&block, std::move(scope), std::move(result_name), {}});
  try {
    bind(block, arguments);
    std::optional<Value> result = execute(block.body);
    if (!result)
      throw UserError(block.location, fmt::format("block {} does not return anything", block.name));
    frames_.pop_back();
    initializers_ = initializers;
    return *result;
  } catch (const UserError& error) {
    Diagnostic diagnostic = error.diagnostic();
    diagnostic.notes.push_back({call.location, fmt::format("in block {}, called here", block.name), {}});
    throw UserError(std::move(diagnostic));
  }
}

void Elaborator::check_recursion(const Definition& block, const Expr& call) const {
  const bool is_open = std::ranges::any_of(frames_, [&](const Frame& f) { return f.definition == &block; });
  if (is_open) throw UserError(call.location, fmt::format("block {} calls itself", block.name));
}

void Elaborator::check_arguments(const Definition& block, const Expr& call,
                                 const Arguments& arguments) const {
  const std::vector<Parameter>& parameters = block.parameters;
  const size_t positional = positional_count(arguments);
  if (positional > parameters.size()) {
    throw UserError(arguments[parameters.size()].syntax->location,
                    fmt::format("{}: takes {} arguments, not {}", block.name, parameters.size(), positional));
  }
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) names.push_back(parameter.name);
  std::vector<bool> is_bound(parameters.size());
  for (size_t i = 0; i < positional; ++i) is_bound[i] = true;
  for (size_t i = positional; i < arguments.size(); ++i) {
    const Expr& syntax = *arguments[i].syntax;
    const auto index = static_cast<size_t>(std::ranges::find(names, syntax.keyword) - names.begin());
    if (index == names.size()) {
      throw UserError(syntax.keyword_location,
                      fmt::format("{}: there is no argument '{}'{}", block.name, syntax.keyword,
                                  suggestion(syntax.keyword, names)));
    }
    if (is_bound[index]) {
      throw UserError(syntax.keyword_location,
                      fmt::format("{}: {} is given twice", block.name, syntax.keyword));
    }
    is_bound[index] = true;
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!is_bound[i] && !parameters[i].default_value) {
      throw UserError(call.location, fmt::format("{}: {} is missing", block.name, names[i]));
    }
  }
}

// Binds the parameters in the new frame, in order: a default may use those before it.
void Elaborator::bind(const Definition& block, const Arguments& arguments) {
  const size_t positional = positional_count(arguments);
  for (size_t i = 0; i < block.parameters.size(); ++i) {
    const Parameter& parameter = block.parameters[i];
    const auto named = std::ranges::find_if(
        arguments, [&](const Argument& argument) { return argument.syntax->keyword == parameter.name; });
    frames_.back().variables[parameter.name] = i < positional ? arguments[i].value
                                               : named != arguments.end()
                                                   ? named->value
                                                   : evaluate(*parameter.default_value, *this);
  }
}

// repeat(block, x, ..., count = K): y = block(x, ...), then block(y, ...), K times in all, in scopes NAME.0,
// NAME.1, ...; an argument `stride` is for the first only.
Value Elaborator::repeat(const Expr& call, const std::string& result_name) {
  Arguments arguments = evaluate_arguments(call, *this);
  if (positional_count(arguments) < 2) {
    throw UserError(call.location, "repeat: takes a block, what it is applied to, and count = K");
  }
  const auto* applied = arguments[0].value.get<const Definition*>();
  if (applied == nullptr) {
    throw UserError(
        arguments[0].syntax->location,
        fmt::format("repeat: the first argument must be a block, not {}", kind_of(arguments[0].value)));
  }
  const Definition& block = **applied;
  arguments.erase(arguments.begin());
  const auto named = [](std::string_view name) {
    return [name](const Argument& argument) { return argument.syntax->keyword == name; };
  };
  const auto count_argument = std::ranges::find_if(arguments, named("count"));
  if (count_argument == arguments.end()) throw UserError(call.location, "repeat: count is missing");
  const int64_t count = to_integer(count_argument->value, count_argument->syntax->location, "repeat: count");
  if (count < 0 || count > kMaxRepeats) {
    throw UserError(count_argument->syntax->location,
                    fmt::format("repeat: count must be between 0 and {}, not {}", kMaxRepeats, count));
  }
  arguments.erase(count_argument);
  const std::string name = result_name.empty() ? generated_name(block.name, call.location) : result_name;
  for (int64_t i = 0; i < count; ++i) {
    const std::string step = fmt::format("{}.{}", name, i);
    arguments[0].value = call_block(block, call, arguments, layer_of(step), step);
    if (i == 0) std::erase_if(arguments, named("stride"));
  }
  return arguments[0].value;
}

}  // namespace rnc::text
