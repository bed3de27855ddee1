// Where values come from: an entry's arguments, the module's tensors, constants.
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

// The type is declared, not inferred: GraphBuilder sets it, the verifier compares it with the tensor's.
Type infer_declared(const Node& node, Types) { return {node.type.dtype, node.type.shape, {}}; }

Type infer_constant(const Node&, Types) { return f32({}); }

}  // namespace

OpInfo input() {
  return {.op = Op::input,
          .name = "input",
          .kind = OpKind::source,
          .min_inputs = 0,
          .max_inputs = 0,
          .doc = "an argument of the entry",
          .infer = infer_declared};
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
          .infer = infer_constant};
}

}  // namespace rnc::ops
