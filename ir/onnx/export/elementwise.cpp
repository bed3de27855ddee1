// Operations on each element by itself.
#include <array>

#include "ir/onnx/export/exporters.h"

namespace rnc::onnx {
namespace {

void plain_operator(Operation& op) { op.result(op.as(), op.spread_all()); }

// A comparison's own result is a truth value; who reads it as a number casts it to 1 or 0.
void comparison(Operation& op) { op.says(op.emit(op.as(), op.spread_all())); }
void not_equal(Operation& op) { op.says(op.emit("Not", {op.emit("Equal", op.spread_all())})); }

// A condition holds unless it is 0.
void where(Operation& op) {
  if (!op.truth(0).empty()) return op.result("Where", {op.truth(0), op.spread(1), op.spread(2)});
  const std::string fails = op.emit("Equal", {op.spread(0), op.scalar(0)});
  op.result("Where", {fails, op.spread(2), op.spread(1)});
}

void rsqrt(Operation& op) { op.result("Reciprocal", {op.emit("Sqrt", {op.operand(0)})}); }
void square(Operation& op) { op.result("Mul", {op.operand(0), op.operand(0)}); }

// Expand spreads both ways, so that a batch that the operand has itself need not be known.
void expand_as(Operation& op) {
  if (op.shape(0) == op.node().type.shape) return op.same_as(op.operand(0));
  Shape shape = op.node().type.shape;
  const bool has_batch_itself = has_batch(op.shape(0));
  if (has_batch(shape) && !has_batch_itself)
    return op.result("Expand", {op.spread(0), op.emit("Shape", {op.operand(1)})});
  if (has_batch_itself) shape[0] = 1;
  op.result("Expand", {op.spread(0), op.integers_of("shape", shape)});
}

// Nodes that compute a formula of these tensors.
std::string formula_of(Operation& op, const Formula& formula, const std::vector<std::string>& operands);

std::string part_of(Operation& op, const Formula& formula, const std::vector<std::string>& operands,
                    bool is_result) {
  using Kind = Formula::Kind;
  if (formula.kind() == Kind::operand) return operands[static_cast<size_t>(formula.index())];
  if (formula.kind() == Kind::constant) return op.scalar(formula.value());
  std::vector<std::string> parts;
  for (const Formula& part : formula.parts()) parts.push_back(formula_of(op, part, operands));
  constexpr std::array kOperators = {"",     "",    "Add", "Sub",  "Mul", "Div",   "Min",  "Max",
                                     "Sqrt", "Exp", "Log", "Tanh", "Erf", "Floor", "Less", "Equal"};
  std::string as = kOperators[static_cast<size_t>(formula.kind())];
  if (formula.kind() == Kind::less || formula.kind() == Kind::equal) {
    parts = {op.emit(as, {parts[0], parts[1]}), parts[2], parts[3]};
    as = "Where";
  }
  if (!is_result) return op.emit(as, std::move(parts));
  op.result(as, std::move(parts));
  return {};
}

std::string formula_of(Operation& op, const Formula& formula, const std::vector<std::string>& operands) {
  return part_of(op, formula, operands, false);
}

}  // namespace

namespace {

void cast(Operation& op) {
  if (is_real(op.node().type.dtype)) {
    if (is_real(op.type(0).dtype)) return op.same_as(op.operand(0));
    return op.result("Cast", {op.operand(0)}, {{"to", int64_t{proto::TensorProto::FLOAT}}});
  }
  const Formula within = rnc::formula_of(info(Op::cast), op.node().attributes);  // what i32 can hold
  op.result("Cast", {formula_of(op, within, {op.operand(0)})}, {{"to", int64_t{proto::TensorProto::INT32}}});
}

}  // namespace

void write_formula(Operation& op) {
  const Formula formula = rnc::formula_of(info(op.node().op), op.node().attributes);
  const auto is_leaf = [](Formula::Kind kind) {
    return kind == Formula::Kind::operand || kind == Formula::Kind::constant;
  };
  const std::vector<std::string> operands = op.spread_all();
  if (is_leaf(formula.kind())) op.refuse("its result does not depend on all of its operands");
  part_of(op, formula, operands, true);
}

std::span<const Exporter> elementwise_exporters() {
  static constexpr Exporter kRows[] = {
      {Op::add, plain_operator, "Add"},
      {Op::sub, plain_operator, "Sub"},
      {Op::mul, plain_operator, "Mul"},
      {Op::div, plain_operator, "Div"},
      {Op::min, plain_operator, "Min"},
      {Op::max, plain_operator, "Max"},
      {Op::sqrt, plain_operator, "Sqrt"},
      {Op::relu, plain_operator, "Relu"},
      {Op::exp, plain_operator, "Exp"},
      {Op::log, plain_operator, "Log"},
      {Op::tanh, plain_operator, "Tanh"},
      {Op::erf, plain_operator, "Erf"},
      {Op::abs, plain_operator, "Abs"},
      {Op::sign, plain_operator, "Sign"},
      {Op::floor, plain_operator, "Floor"},
      {Op::ceil, plain_operator, "Ceil"},
      {Op::round, plain_operator, "Round"},
      {Op::rsqrt, rsqrt},
      {Op::square, square},
      {Op::less, comparison, "Less"},
      {Op::less_equal, comparison, "LessOrEqual"},
      {Op::greater, comparison, "Greater"},
      {Op::greater_equal, comparison, "GreaterOrEqual"},
      {Op::equal, comparison, "Equal"},
      {Op::not_equal, not_equal},
      {Op::where, where},
      {Op::cast, cast},
      {Op::expand_as, expand_as},
  };
  return kRows;
}

}  // namespace rnc::onnx
