// Operations in the graph: their operators, and what brings operands to the shapes that they take.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "ir/text/elaborator.h"
#include "ir/text/metadata.h"

namespace rnc::text {

ValueId Elaborator::emit(Op op, std::vector<ValueId> inputs, Attributes attributes, const std::string& name,
                         const SourceLocation& location, std::optional<uint8_t> optional) {
  if (graph_.nodes.size() >= kMaxNodes) {
    throw LimitExceeded{
        {location, fmt::format("the model is too large: more than {} operations", kMaxNodes), {}}};
  }
  const std::string made = node_name(name);
  claim(made, location);
  builder_.set_origin(location, layer_of(name));
  if (info(op).kind == OpKind::elementwise) align_dimensions(inputs);
  return builder_.emit(op, std::move(inputs), std::move(attributes), made, optional);
}

// As NumPy has it, values of two and more dimensions get more in front, of one element, to have those of the operand
// with the most. (A vector is one value per channel, as the operations have it; of one element, one for all.)
void Elaborator::align_dimensions(std::vector<ValueId>& operands) {
  size_t most = 0;
  for (const ValueId v : operands) most = std::max(most, graph_[v].type.shape.size());
  for (ValueId& v : operands) {
    Shape shape = graph_[v].type.shape;
    const bool one = shape == Shape{1} && most > 1;
    if ((shape.size() < 2 && !one) || shape.size() == most || has_batch(shape)) continue;
    shape.insert(shape.begin(), most - shape.size(), 1);
    Attributes attributes;
    attributes.set("shape", std::move(shape));
    v = builder_.emit(Op::reshape, {v}, std::move(attributes));
  }
}

// A number among tensors.
ValueId Elaborator::emit_constant(const Value& number, const SourceLocation& location) {
  Attributes attributes;
  attributes.set("value", to_real(number, location, "the operand"));
  return emit(Op::constant, {}, std::move(attributes), generated_name("constant", location), location);
}

Value Elaborator::tensor_operator(const Expr& op, const Value& left, const Value& right,
                                  const std::string& result_name) {
  static const std::map<std::string_view, Op> kOperators = {
      {"+", Op::add},    {"-", Op::sub},         {"*", Op::mul},     {"/", Op::div},
      {"<", Op::less},   {"<=", Op::less_equal}, {">", Op::greater}, {">=", Op::greater_equal},
      {"==", Op::equal}, {"!=", Op::not_equal}};
  const auto found = kOperators.find(op.text);
  const bool negates = op.kind == Expr::Kind::unary;
  const auto operand = [&](const Value& value) {
    if (const auto* tensor = value.get<TensorRef>()) return tensor->node;
    if (found == kOperators.end() || !value.is_number()) {
      throw UserError(op.location, fmt::format("'{}' cannot be applied to {} and {}", op.text, kind_of(left),
                                               kind_of(right)));
    }
    return emit_constant(value, op.location);
  };
  if (found == kOperators.end()) {
    throw UserError(op.location, fmt::format("'{}' cannot be applied to {} and {}", op.text, kind_of(left),
                                             kind_of(right)));
  }
  const std::vector<ValueId> inputs =
      negates ? std::vector{operand(Value{-1.0}), operand(left)} : std::vector{operand(left), operand(right)};
  const Op applied = negates ? Op::mul : found->second;
  const std::string name =
      result_name.empty() ? generated_name(std::string(rnc::name(applied)), op.location) : result_name;
  return {TensorRef{emit(applied, inputs, {}, name, op.location)}};
}

// [N, S, C] by [C, D]
bool Elaborator::one_matrix_for_all(const std::vector<ValueId>& inputs) const {
  if (inputs.size() != 2) return false;
  const Type &x = graph_[inputs[0]].type, &matrix = graph_[inputs[1]].type;
  return x.rank() > 2 && matrix.rank() == 2 && !has_batch(matrix.shape);
}

// It is the transposed weight of a linear layer along the last dimension.
ValueId Elaborator::multiply_all(const Expr& call, const std::vector<ValueId>& inputs,
                                 const Attributes& attributes, const std::string& name) {
  const Attributes given =
      complete_attributes(call.text, info(Op::matmul).attributes, attributes, call.location);
  const auto transposed = [&](ValueId v) {
    std::vector<int64_t> order(graph_[v].type.shape.size());
    std::iota(order.begin(), order.end(), 0);
    std::swap(order.back(), order[order.size() - 2]);
    Attributes permutation;
    permutation.set("order", std::move(order));
    return emit(Op::permute, {v}, std::move(permutation), generated_name("permute", call.location),
                call.location);
  };
  const ValueId x = given.get<bool>("transpose_a") ? transposed(inputs[0]) : inputs[0];
  const ValueId weight = given.get<bool>("transpose_b") ? inputs[1] : transposed(inputs[1]);
  const int64_t columns = graph_[x].type.shape.back(), rows = graph_[weight].type.shape[1];
  if (columns != rows)
    throw UserError(call.location,
                    fmt::format("matmul: {} and {} do not match: {} columns against {} rows",
                                str(graph_[inputs[0]].type), str(graph_[inputs[1]].type), columns, rows));
  return emit(Op::linear, {x, weight}, {}, name, call.location);
}

}  // namespace rnc::text
