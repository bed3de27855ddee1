// Algebraic identities and constant folding. Every rule holds exactly in floating point, for every operand:
// infinities, NaN and negative zero included. So x + 0 stays (it turns -0 into 0), as do x * 0 (NaN) and
// (x * a) * b (rounding). What is left:
//   - identities: x * 1, x / 1, x - 0, x + -0; windows and images of unchanged size; reshapes to the same shape;
//     permutations that change nothing; rolls by whole turns;
//   - idempotent operations applied twice: relu(relu(x)), and reshapes of reshapes;
//   - arithmetic on scalar constants, folded to the correctly rounded f32 where the result is finite.
#include <algorithm>
#include <cmath>
#include <optional>

#include "ir/ops/axis.h"
#include "passes/graph/rewrite.h"
#include "passes/passes.h"

namespace rnc {
namespace {

std::optional<float> constant_value(const Node& node) {
  if (node.op != Op::constant) return std::nullopt;
  return static_cast<float>(node.attributes.get<double>("value"));
}

bool is_constant(const Node& node, float value) {
  const std::optional<float> constant = constant_value(node);
  return constant && *constant == value && std::signbit(*constant) == std::signbit(value);
}

// The operand that `node` merely repeats, or kNoValue.
ValueId repeated_operand(const Graph& graph, const Node& node) {
  const auto input = [&](size_t i) -> const Node& { return graph[node.inputs[i]]; };
  switch (node.op) {
    case Op::add:
      if (is_constant(input(0), -0.0f)) return node.inputs[1];
      if (is_constant(input(1), -0.0f)) return node.inputs[0];
      return kNoValue;
    case Op::sub:
      return is_constant(input(1), 0.0f) ? node.inputs[0] : kNoValue;
    case Op::mul:
      if (is_constant(input(0), 1.0f)) return node.inputs[1];
      if (is_constant(input(1), 1.0f)) return node.inputs[0];
      return kNoValue;
    case Op::div:
      return is_constant(input(1), 1.0f) ? node.inputs[0] : kNoValue;
    case Op::relu:
      return input(0).op == Op::relu ? node.inputs[0] : kNoValue;
    case Op::max_pool:
    case Op::avg_pool:
    case Op::avg_pool_grad: {
      const std::vector<int64_t> ones = {1, 1};
      const auto numbers = [&](const char* name) { return node.attributes.get<std::vector<int64_t>>(name); };
      const bool identity = numbers("kernel") == ones && numbers("stride") == ones &&
                            numbers("pad") == std::vector<int64_t>(4, 0);
      return identity ? node.inputs[0] : kNoValue;
    }
    case Op::permute:
      return std::ranges::is_sorted(node.attributes.get<std::vector<int64_t>>("order")) ? node.inputs[0]
                                                                                        : kNoValue;
    case Op::resize:  // of u8 images it rounds to what was there; of f32 images, 0 * inf is NaN
      return input(0).type.dtype == DType::u8 ? node.inputs[0] : kNoValue;
    case Op::roll: {
      const auto axis = static_cast<size_t>(axis_of(node, node.type.rank()));
      return shift_of(node, node.type.shape[axis]) == 0 ? node.inputs[0] : kNoValue;
    }
    case Op::global_avg_pool:
    case Op::pad_channels:
    case Op::slice_channels:
    case Op::concat:
    case Op::slice:
    case Op::pad_axis:
    case Op::flatten:
    case Op::reshape:
    case Op::relayout:
      return node.inputs[0];  // where the type does not change
    default:
      return kNoValue;
  }
}

// The value of an arithmetic node whose operands are scalar constants: correctly rounded, as double has more
// than twice f32's digits.
std::optional<float> folded(const Graph& graph, const Node& node) {
  std::vector<double> operands;
  for (const ValueId input : node.inputs) {
    const std::optional<float> value = constant_value(graph[input]);
    if (!value) return std::nullopt;
    operands.push_back(*value);
  }
  const auto apply = [&]() -> double {
    switch (node.op) {
      case Op::add:
        return operands[0] + operands[1];
      case Op::sub:
        return operands[0] - operands[1];
      case Op::mul:
        return operands[0] * operands[1];
      case Op::div:
        return operands[0] / operands[1];
      case Op::sqrt:
        return std::sqrt(operands[0]);
      default:
        return std::nan("");
    }
  };
  const auto result = static_cast<float>(apply());
  return std::isfinite(result) ? std::optional(result) : std::nullopt;
}

// A movement of a movement is one movement, from where the first began.
// `node` has its inputs in the new graph.
ValueId merge_movements(Rewriter& r, const Node& node) {
  const bool reshapes = node.op == Op::flatten || node.op == Op::reshape;
  if (!reshapes && node.op != Op::relayout) return kNoValue;
  const Node& inner = r.graph_now()[node.inputs[0]];
  const bool inner_reshapes = inner.op == Op::flatten || inner.op == Op::reshape;
  if (reshapes ? !inner_reshapes : inner.op != Op::relayout) return kNoValue;
  if (reshapes && !inner.type.layout.plain()) return kNoValue;
  if (is_stored_only(inner.type)) return kNoValue;  // it is rounded there
  const ValueId origin = inner.inputs[0];
  Attributes attributes;
  if (reshapes) attributes.set("shape", node.type.shape);
  const ValueId merged =
      r.builder().emit(reshapes ? Op::reshape : Op::relayout, {origin}, attributes, node.name);
  r.builder().graph()[merged].type = node.type;
  return merged;
}

ValueId simplify_node(Rewriter& r, ValueId v) {
  // Judged on the new graph, so that one simplification can lead to the next in the same sweep.
  const Node node = r.with_inputs_now(v);
  const Graph& graph = r.graph_now();
  const ValueId operand = repeated_operand(graph, node);
  if (operand != kNoValue && graph[operand].type == node.type) return operand;
  if (const std::optional<float> value = folded(graph, node)) {
    return r.builder().constant(static_cast<double>(*value));
  }
  return merge_movements(r, node);
}

}  // namespace

bool simplify(Module& module) {
  return for_each_entry(module, [](const Module& m, Graph& graph) {
    bool changed = false;
    while (rewrite(m, graph, simplify_node)) changed = true;
    return changed;
  });
}

}  // namespace rnc
