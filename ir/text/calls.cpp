// Calls of operations, and the layers of a spec: operations that bring their own parameters, named and
// initialised as PyTorch's.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/text/elaborator.h"
#include "ir/text/metadata.h"
#include "ir/text/named_operands.h"
#include "ir/text/suggest.h"

namespace rnc::text {
namespace {

Attribute take(Attributes& attributes, const std::string& name, Attribute otherwise) {
  if (!attributes.has(name)) return otherwise;
  Attribute value = attributes.all().at(name);
  attributes.erase(name);
  return value;
}

bool take_bias(Attributes& attributes, const Expr& call) {
  const Attribute bias = take(attributes, "bias", true);
  const auto* with_bias = std::get_if<bool>(&bias);
  if (with_bias == nullptr) {
    throw UserError(call.location,
                    fmt::format("{}: bias must be true or false, not {}", call.text, str(bias)));
  }
  return *with_bias;
}

int64_t output_count(const Expr& call, const Value& value) {
  const auto what = fmt::format("{}: the number of outputs", call.text);
  const int64_t count = to_integer(value, call.operands[1].location, what);
  if (count < 1) {
    throw UserError(call.operands[1].location, fmt::format("{} must be at least 1, not {}", what, count));
  }
  return count;
}

Initializer initializer(std::string name, std::string argument, double value) {
  Initializer result{.name = std::move(name)};
  result.attributes.set(std::move(argument), value);
  return result;
}

// PyTorch's defaults (nn.Conv2d, nn.Linear): the weight's bound and the bias's are both 1 / sqrt(fan_in).
Initializer default_weight() { return initializer("kaiming_uniform", "a", std::sqrt(5.0)); }
Initializer default_bias(int64_t fan_in) {
  return initializer("uniform", "bound", 1.0 / std::sqrt(static_cast<double>(fan_in)));
}

// What is no tensor, behind the operands, is an attribute whose name was left out.
void check_surplus(const OpInfo& op, const Arguments& arguments, size_t operands,
                   const std::vector<std::string>& known) {
  if (operands >= positional_count(arguments) || known.empty()) return;
  const Argument& surplus = arguments[operands];
  if (surplus.value.is_tensor() || surplus.value.is_poison()) return;
  const bool has_kernel = std::ranges::find(known, "kernel") != known.end();
  throw UserError(surplus.syntax->location,
                  fmt::format("{}: argument {} must have a name, such as {} = ...", op.name, operands + 1,
                              has_kernel ? "kernel" : known.front()));
}

// The size of dimension 1, which a layer's parameters must match; 1 where there is none, for the operation's
// shape rule to complain about.
int64_t features(const Type& type) { return type.rank() >= 2 ? type.shape[1] : 1; }

}  // namespace

const Definition* Elaborator::find_block(std::string_view name) const {
  const auto variable = frames_.back().variables.find(name);
  if (variable != frames_.back().variables.end()) {
    const auto* block = variable->second.get<const Definition*>();
    return block != nullptr ? *block : nullptr;
  }
  const auto block = library_.blocks.find(name);
  return block != library_.blocks.end() ? block->second.get() : nullptr;
}

Value Elaborator::call(const Expr& call, const std::string& result_name) {
  if (call.text == "repeat") return repeat(call, result_name);
  const Arguments arguments = evaluate_arguments(call, *this);
  const auto variable = frames_.back().variables.find(call.text);
  if (variable != frames_.back().variables.end() && variable->second.is_poison()) return {Poison{}};
  if (const Definition* block = find_block(call.text)) {
    const std::string name = result_name.empty() ? generated_name(block->name, call.location) : result_name;
    const std::string scope = block->inlined ? frames_.back().scope : layer_of(name);
    return call_block(*block, call, arguments, scope, name);
  }
  if (const auto value = call_plain_function(call, arguments)) return *value;
  if (const auto value = size_function(call, arguments)) return *value;
  const OpInfo* op = find_op(call.text);
  if (op == nullptr) unknown_call(call);
  return call_operation(*op, call, arguments, result_name);
}

void Elaborator::unknown_call(const Expr& call) const {
  const auto fail = [&](const Value& value) {
    throw UserError(call.location,
                    fmt::format("'{}' is {}, which cannot be called", call.text, kind_of(value)));
  };
  const Constants& variables = frames_.back().variables;
  if (const auto it = variables.find(call.text); it != variables.end()) fail(it->second);
  if (const auto it = constants_.find(call.text); it != constants_.end()) fail(it->second);
  std::vector<std::string> known(kFunctions.begin(), kFunctions.end());
  for (const Op op : all_ops()) {
    if (op != Op::input && op != Op::state) known.emplace_back(name(op));
  }
  for (const auto& [block, definition] : library_.blocks) known.push_back(block);
  throw UserError(call.location, fmt::format("unknown operation or block '{}'{}", call.text,
                                             suggestion(Wanted::operation, call.text, known)));
}

// channels(x), height(x), width(x)
std::optional<Value> Elaborator::size_function(const Expr& call, const Arguments& arguments) const {
  const int dim = call.text == "channels" ? 1 : call.text == "height" ? 2 : call.text == "width" ? 3 : 0;
  if (dim == 0) return std::nullopt;
  if (arguments.size() != 1 || positional_count(arguments) != 1) {
    throw UserError(call.location, fmt::format("{}: takes one tensor", call.text));
  }
  const auto what = fmt::format("{}: the argument", call.text);
  const Type& type = graph_[to_tensor(arguments[0].value, arguments[0].syntax->location, what)].type;
  if (type.rank() <= dim) {
    throw UserError(call.location, fmt::format("{}: {} has no such dimension", call.text, str(type)));
  }
  return Value{type.shape[static_cast<size_t>(dim)]};
}

std::vector<NamedOperand> Elaborator::take_named_operands(const OpInfo& op, Arguments& arguments) const {
  std::vector<NamedOperand> named;
  for (const Argument& a : arguments) {
    if (!names_operand(op, *a.syntax) || a.value.is_poison()) continue;
    const auto what = fmt::format("{}: {}", op.name, a.syntax->keyword);
    named.push_back({a.syntax, to_tensor(a.value, a.syntax->location, what)});
  }
  std::erase_if(arguments, [&](const Argument& a) { return names_operand(op, *a.syntax); });
  return named;
}

// The named arguments. Of a layer they also describe the parameters that it makes.
Attributes Elaborator::call_attributes(const OpInfo& op, const Expr& call, const Arguments& arguments,
                                       bool is_layer) {
  const size_t count = positional_count(arguments);
  const bool has_outputs = op.op == Op::conv2d || op.op == Op::linear;
  std::vector<std::string> known;
  for (const AttributeSpec& spec : op.attributes) known.emplace_back(spec.name);
  if (is_layer && has_outputs) known.emplace_back("bias");
  if (is_layer && op.op == Op::conv2d) known.emplace_back("kernel");
  if (!is_layer) known.insert(known.end(), op.optional.begin(), op.optional.end());
  check_surplus(op, arguments, is_layer ? (has_outputs ? 2 : 1) : static_cast<size_t>(op.max_inputs), known);
  if (known.empty() && arguments.size() > count) {
    const Expr& first = *arguments[count].syntax;
    throw UserError(first.keyword_location, fmt::format("{}: takes no named arguments{}", op.name,
                                                        suggestion(Wanted::argument, first.keyword, {})));
  }
  return keyword_arguments(call, arguments, count, known, *this);
}

Value Elaborator::call_operation(const OpInfo& op, const Expr& call, Arguments arguments,
                                 const std::string& result_name) {
  if (op.op == Op::input || op.op == Op::state) {
    throw UserError(call.location, fmt::format("{} can only be used in an entry of a dump", op.name));
  }
  const size_t count = positional_count(arguments);
  const bool has_outputs = op.op == Op::conv2d || op.op == Op::linear;
  const bool second_is_tensor = count > 1 && arguments[1].value.is_tensor();
  const bool is_layer = count > 0 && (has_outputs || op.op == Op::batch_norm) && !second_is_tensor;
  const auto is_poison = [](const Argument& a) { return a.value.is_poison(); };
  const bool poisoned = std::ranges::any_of(arguments, is_poison);
  const auto named = is_layer ? std::vector<NamedOperand>{} : take_named_operands(op, arguments);
  Attributes attributes = call_attributes(op, call, arguments, is_layer);
  if (poisoned) return {Poison{}};
  if (is_layer && has_outputs && count == 1) {
    throw UserError(call.location,
                    fmt::format("{}: the number of outputs, or a weight, is missing", op.name));
  }

  std::vector<ValueId> inputs;
  for (size_t i = 0; i < (is_layer ? 1 : count); ++i) {
    const auto what = fmt::format("{}: operand {}", op.name, i + 1);
    inputs.push_back(to_tensor(arguments[i].value, arguments[i].syntax->location, what));
  }
  const std::string name = result_name.empty() ? generated_name(call.text, call.location) : result_name;
  builder_.set_origin(call.location, layer_of(name));
  if (is_layer) {
    const std::string layer = layer_of(name);
    inputs = op.op == Op::conv2d   ? conv2d_operands(call, inputs[0], arguments[1].value, layer, attributes)
             : op.op == Op::linear ? linear_operands(call, inputs[0], arguments[1].value, layer, attributes)
                                   : batch_norm_operands(call, inputs[0], layer);
  }
  const bool is_pool = op.op == Op::max_pool || op.op == Op::avg_pool;
  if (is_pool && attributes.has("kernel") && !attributes.has("stride")) {
    attributes.set("stride", attributes.all().at("kernel"));
  }
  const std::optional<uint8_t> optional = add_named_operands(op, named, inputs);
  return {TensorRef{emit(op.op, std::move(inputs), std::move(attributes), name, call.location, optional)}};
}

std::vector<ValueId> Elaborator::conv2d_operands(const Expr& call, ValueId x, const Value& out,
                                                 const std::string& layer, Attributes& attributes) {
  const int64_t outputs = output_count(call, out);
  const AttributeSpec kernel_spec{"kernel", AttributeKind::pair, {}};
  Attributes given;
  if (attributes.has("kernel")) given.set("kernel", take(attributes, "kernel", {}));
  const Attributes complete = complete_attributes(call.text, {&kernel_spec, 1}, given, call.location);
  const auto& kernel = complete.get<std::vector<int64_t>>("kernel");
  const bool with_bias = take_bias(attributes, call);
  int64_t groups = 1;  // a wrong one is left to the operation's rule
  if (attributes.has("groups") && std::holds_alternative<int64_t>(attributes.all().at("groups"))) {
    groups = std::max<int64_t>(1, attributes.get<int64_t>("groups"));
  }
  const int64_t group_inputs = std::max<int64_t>(1, features(graph_[x].type) / groups);

  std::vector<ValueId> operands = {x};
  operands.push_back(
      layer_tensor(call, layer, "weight", {outputs, group_inputs, kernel[0], kernel[1]}, default_weight()));
  if (with_bias) {
    const int64_t fan_in = group_inputs * kernel[0] * kernel[1];
    operands.push_back(layer_tensor(call, layer, "bias", {outputs}, default_bias(fan_in)));
  }
  return operands;
}

std::vector<ValueId> Elaborator::linear_operands(const Expr& call, ValueId x, const Value& out,
                                                 const std::string& layer, Attributes& attributes) {
  const int64_t outputs = output_count(call, out);
  const int64_t inputs = features(graph_[x].type);
  std::vector<ValueId> operands = {x};
  const bool with_bias = take_bias(attributes, call);
  operands.push_back(layer_tensor(call, layer, "weight", {outputs, inputs}, default_weight()));
  if (with_bias) operands.push_back(layer_tensor(call, layer, "bias", {outputs}, default_bias(inputs)));
  return operands;
}

std::vector<ValueId> Elaborator::batch_norm_operands(const Expr& call, ValueId x, const std::string& layer) {
  const Shape shape = {features(graph_[x].type)};
  const Initializer zero = initializer("constant", "value", 0), one = initializer("constant", "value", 1);
  return {x, layer_tensor(call, layer, "weight", shape, one), layer_tensor(call, layer, "bias", shape, zero),
          layer_tensor(call, layer, "running_mean", shape, zero, TensorKind::buffer),
          layer_tensor(call, layer, "running_var", shape, one, TensorKind::buffer)};
}

// The initialiser is the one chosen by `init conv2d.weight = ...`, else the given one.
ValueId Elaborator::layer_tensor(const Expr& call, const std::string& layer, std::string_view part,
                                 Shape shape, Initializer initializer, TensorKind kind) {
  const auto chosen = initializers_.find(fmt::format("{}.{}", call.text, part));
  if (chosen != initializers_.end()) initializer = chosen->second;
  return state({.name = fmt::format("{}.{}", layer, part),
                .kind = kind,
                .type = {.shape = std::move(shape)},
                .initializer = std::move(initializer),
                .location = call.location});
}

ValueId Elaborator::state(Tensor tensor) {
  const std::string name = tensor.name;
  claim(name, tensor.location);
  add_tensor(module_, std::move(tensor));
  return builder_.state(name);
}

ValueId Elaborator::emit(Op op, std::vector<ValueId> inputs, Attributes attributes, const std::string& name,
                         const SourceLocation& location, std::optional<uint8_t> optional) {
  if (graph_.nodes.size() >= kMaxNodes) {
    throw LimitExceeded{
        {location, fmt::format("the model is too large: more than {} operations", kMaxNodes), {}}};
  }
  claim(name, location);
  builder_.set_origin(location, layer_of(name));
  return builder_.emit(op, std::move(inputs), std::move(attributes), name, optional);
}

Value Elaborator::tensor_operator(const Expr& op, const Value& left, const Value& right,
                                  const std::string& result_name) {
  const Op kind = op.text == "+" ? Op::add : op.text == "-" ? Op::sub : op.text == "*" ? Op::mul : Op::div;
  const bool negates = op.kind == Expr::Kind::unary;
  const bool applies = op.text == "+" || op.text == "-" || op.text == "*" || op.text == "/";
  const auto operand = [&](const Value& value) {
    if (const auto* tensor = value.get<TensorRef>()) return tensor->node;
    if (!applies || (value.get<int64_t>() == nullptr && value.get<double>() == nullptr)) {
      throw UserError(op.location, fmt::format("'{}' cannot be applied to {} and {}", op.text, kind_of(left),
                                               kind_of(right)));
    }
    Attributes attributes;
    attributes.set("value", to_real(value, op.location, "the operand"));
    return emit(Op::constant, {}, std::move(attributes), generated_name("constant", op.location),
                op.location);
  };
  if (!applies) {
    throw UserError(op.location, fmt::format("'{}' cannot be applied to {} and {}", op.text, kind_of(left),
                                             kind_of(right)));
  }
  const std::vector<ValueId> inputs =
      negates ? std::vector{operand(Value{-1.0}), operand(left)} : std::vector{operand(left), operand(right)};
  const Op applied = negates ? Op::mul : kind;
  const std::string name =
      result_name.empty() ? generated_name(std::string(rnc::name(applied)), op.location) : result_name;
  return {TensorRef{emit(applied, inputs, {}, name, op.location)}};
}

}  // namespace rnc::text
