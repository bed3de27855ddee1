// Where values come from: an entry's arguments, the module's tensors, constants.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

// The type is declared, not inferred: GraphBuilder sets it, the verifier compares it with the tensor's.
Type infer_declared(const Node& node, Types) { return {node.type.dtype, node.type.shape, {}}; }

Type infer_input(const Node& node, Types in) {
  const auto& role = node.attributes.get<std::string>("role");
  if (!input_role_named(role)) fail(node, fmt::format("there is no role \"{}\" of inputs", role));
  return infer_declared(node, in);
}

Type infer_constant(const Node&, Types) { return {}; }

Type infer_constants(const Node& node, Types) {
  const auto& values = node.attributes.get<std::vector<double>>("values");
  const auto& shape = node.attributes.get<std::vector<int64_t>>("shape");
  const auto count = static_cast<int64_t>(values.size());
  if (count == 0) fail(node, "there are no values");
  for (const double value : values)
    if (!std::isfinite(static_cast<float>(value)))
      fail(node, fmt::format("the values must be finite; one is {}", value));
  if (shape.empty()) return {contract::kDefaultReal, count == 1 ? Shape{} : Shape{count}, {}};
  int64_t elements = 1;
  for (const int64_t size : shape) {
    if (size < 1) fail(node, fmt::format("a size must be at least 1; shape has {}", size));
    elements = checked_product(elements, size, node.location, "constants: the shape");
  }
  if (elements != count && count > 1) fail(node, fmt::format("{} values do not fill {}", count, str(shape)));
  return {contract::kDefaultReal, shape, {}};
}

void evaluate_constants(EvalContext& context) {
  const auto& values = context.node.attributes.get<std::vector<double>>("values");
  for (size_t i = 0; i < context.result.values.size(); ++i)
    context.result.values[i] = static_cast<float>(values[values.size() == 1 ? 0 : i]);
}

void evaluate_constant(EvalContext& context) {
  context.result.values[0] = context.node.attributes.get<double>("value");
}

}  // namespace

// The interpreter itself gives the values of inputs and states.
OpInfo input() {
  return {.op = Op::input,
          .name = "input",
          .kind = OpKind::source,
          .min_inputs = 0,
          .max_inputs = 0,
          .attributes = {{"classes", AttributeKind::integer, int64_t{0}},
                         {"default", AttributeKind::real, std::numeric_limits<double>::quiet_NaN()},
                         {"ignore_index", AttributeKind::integer, kNoLabel},
                         {"role", AttributeKind::string, std::string(name(InputRole::sample))}},
          .doc = "an argument of the entry; a scalar may have a default, labels are of so many classes",
          .infer = infer_input};
}

OpInfo state() {
  return {.op = Op::state,
          .name = "state",
          .kind = OpKind::source,
          .min_inputs = 0,
          .max_inputs = 0,
          .doc = "the value of a module tensor when the entry starts",
          .infer = infer_declared};
}

OpInfo constant() {
  return {.op = Op::constant,
          .name = "constant",
          .kind = OpKind::source,
          .min_inputs = 0,
          .max_inputs = 0,
          .attributes = {{"value", AttributeKind::real, {}}},
          .doc = "a scalar known at compile time",
          .infer = infer_constant,
          .evaluate = evaluate_constant};
}

OpInfo constants() {
  return {.op = Op::constants,
          .name = "constants",
          .kind = OpKind::other,
          .min_inputs = 0,
          .max_inputs = 0,
          .attributes = {{"values", AttributeKind::reals, {}},
                         {"shape", AttributeKind::integers, std::vector<int64_t>{}}},
          .doc =
              "numbers known at compile time: a vector, or in row-major order of `shape`; one is for all "
              "elements",
          .infer = infer_constants,
          .evaluate = evaluate_constants};
}

}  // namespace rnc::ops
