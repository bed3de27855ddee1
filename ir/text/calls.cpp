// Calls of blocks, functions and operations.
#include <fmt/format.h>

#include <algorithm>

#include "ir/ops/random.h"
#include "ir/text/elaborator.h"
#include "ir/text/metadata.h"
#include "ir/text/named_operands.h"
#include "ir/text/pad_word.h"
#include "ir/text/reshape.h"
#include "ir/text/suggest.h"

namespace rnc::text {
namespace {

int64_t output_count(const Expr& call, const Value& value) {
  const auto what = fmt::format("{}: the number of outputs", call.text);
  const int64_t count = to_integer(value, call.operands[1].location, what);
  if (count < 1) {
    throw UserError(call.operands[1].location, fmt::format("{} must be at least 1, not {}", what, count));
  }
  return count;
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

}  // namespace

const Definition* Elaborator::find_block(std::string_view name) const {
  const auto variable = frames_.back().variables.find(name);
  if (variable != frames_.back().variables.end()) {
    const auto* block = variable->second.get<const Definition*>();
    return block != nullptr ? *block : nullptr;
  }
  return library_.find_block(name);
}

Value Elaborator::call(const Expr& call, const std::string& result_name) {
  if (call.text == "repeat") return repeat(call, result_name);
  const Arguments arguments = evaluate_arguments(call, *this);
  if (call.text == "shared") return share(call, arguments, result_name);
  if (call.text == "split") return split(call, arguments);
  if (call.text == "fail") fail(call, arguments);
  if (call.text == "read_tensor") return read_tensor(call, arguments);
  const auto variable = frames_.back().variables.find(call.text);
  if (variable != frames_.back().variables.end() && variable->second.is_poison()) return {Poison{}};
  if (const Definition* block = find_block(call.text)) {
    const std::string name = result_name.empty() ? generated_name(block->name, call.location) : result_name;
    const std::string scope = block->inlined ? frames_.back().scope : layer_of(name);
    return call_block(*block, call, arguments, scope, name);
  }
  if (variable != frames_.back().variables.end()) {
    if (const auto* shared = variable->second.get<std::shared_ptr<const Shared>>())
      return call_shared(**shared, call, arguments);
    const auto* op = variable->second.get<const OpInfo*>();
    if (op != nullptr) return call_operation(**op, call, arguments, result_name);
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
  for (const auto& [block, definition] : library_.standard) known.push_back(block);
  throw UserError(call.location, fmt::format("unknown operation or block '{}'{}", call.text,
                                             suggestion(Wanted::operation, call.text, known)));
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

// The named arguments: attributes, and settings of the layer if the call makes one.
Attributes Elaborator::call_attributes(const OpInfo& op, const LayerInfo* layer, const Expr& call,
                                       const Arguments& arguments) {
  const size_t count = positional_count(arguments);
  std::vector<std::string> known;
  for (const AttributeSpec& spec : op.attributes) known.emplace_back(spec.name);
  if (layer != nullptr) {
    for (const AttributeSpec& spec : layer->settings) known.emplace_back(spec.name);
  } else {
    known.insert(known.end(), op.optional.begin(), op.optional.end());
  }
  const int operands = layer == nullptr ? op.max_inputs : layer->has_outputs ? 2 : 1;
  check_surplus(op, arguments, static_cast<size_t>(operands), known);
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
  const bool second_is_tensor = count > 1 && arguments[1].value.is_tensor();
  const LayerInfo* layer = count > 0 && !second_is_tensor ? find_layer(op.op) : nullptr;
  const auto is_poison = [](const Argument& a) { return a.value.is_poison(); };
  const bool poisoned = std::ranges::any_of(arguments, is_poison);
  const auto named = layer != nullptr ? std::vector<NamedOperand>{} : take_named_operands(op, arguments);
  Attributes attributes = call_attributes(op, layer, call, arguments);
  if (poisoned) return {Poison{}};
  if (layer != nullptr && layer->has_outputs && count == 1) {
    throw UserError(call.location,
                    fmt::format("{}: the number of outputs, or a weight, is missing", op.name));
  }

  const auto is_tensor = [](const Argument& a) { return a.value.is_tensor(); };
  const bool takes_numbers = op.kind == OpKind::elementwise && std::ranges::any_of(arguments, is_tensor);
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < (layer != nullptr ? 1 : count); ++i) {
    const Argument& argument = arguments[i];
    if (argument.value.get<std::shared_ptr<const List>>() != nullptr)
      throw UserError(argument.syntax->location,
                      fmt::format("{}: operands stand one after another, not in a list", op.name));
    const auto what = fmt::format("{}: operand {}", op.name, i + 1);
    const bool number = takes_numbers && argument.value.is_number();
    inputs.push_back(number ? emit_constant(argument.value, argument.syntax->location)
                            : to_tensor(argument.value, argument.syntax->location, what));
  }
  const std::string name =
      result_name.empty() ? generated_name(std::string(op.name), call.location) : result_name;
  builder_.set_origin(call.location, layer_of(name));
  for (const AttributeSpec& spec : op.attributes) {
    if (!spec.in_specs_as.empty() && !attributes.has(spec.name) && attributes.has(spec.in_specs_as))
      attributes.set(std::string(spec.name), attributes.all().find(spec.in_specs_as)->second);
  }
  const bool takes_pad = op.op == Op::conv2d || op.op == Op::max_pool || op.op == Op::avg_pool;
  if (!inputs.empty() && takes_pad) {
    const bool weighted = op.op == Op::conv2d && inputs.size() > 1 && graph_[inputs[1]].type.rank() == 4;
    resolve_pad_word(call, graph_[inputs[0]].type, weighted ? &graph_[inputs[1]].type : nullptr, attributes);
  }
  if (op.op == Op::reshape && inputs.size() == 1) complete_shape(call, graph_[inputs[0]].type, attributes);
  if (layer != nullptr) {
    const int64_t outputs = layer->has_outputs ? output_count(call, arguments[1].value) : 0;
    add_layer_tensors(*layer, call, outputs, layer_of(name), attributes, inputs);
  }
  const bool is_random = std::ranges::count(op.attributes, "stream", &AttributeSpec::name) > 0;
  if (is_random && !attributes.has("stream")) attributes.set("stream", stream_of(node_name(name)));
  const std::optional<uint8_t> optional = add_named_operands(op, named, inputs);
  if (op.op == Op::matmul && one_matrix_for_all(inputs))
    return {TensorRef{multiply_all(call, inputs, attributes, name)}};
  return {TensorRef{emit(op.op, std::move(inputs), std::move(attributes), name, call.location, optional)}};
}

}  // namespace rnc::text
