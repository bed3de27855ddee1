// Where values come from: an entry's arguments, the module's tensors, constants.
#include <fmt/format.h>

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
          .attributes = {{"default", AttributeKind::real, std::numeric_limits<double>::quiet_NaN()},
                         {"role", AttributeKind::string, std::string(name(InputRole::sample))}},
          .doc = "an argument of the entry; a scalar may have a default",
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

}  // namespace rnc::ops
