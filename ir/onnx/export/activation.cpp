// Activations that ONNX has, or has parts of; others are written as their formulas.
#include <algorithm>
#include <cmath>

#include "ir/onnx/export/exporters.h"
#include "ir/ops/spread.h"

namespace rnc::onnx {
namespace {

void of_one_operand(Operation& op) { op.result(op.as(), {op.operand(0)}); }

void silu(Operation& op) { op.result("Mul", {op.operand(0), op.emit("Sigmoid", {op.operand(0)})}); }

std::string bound(Operation& op, double value) {
  return std::isinf(value) ? std::string() : op.scalar(value);
}

void clip(Operation& op) {
  op.result("Clip",
            {op.operand(0), bound(op, op.attribute<double>("min")), bound(op, op.attribute<double>("max"))});
}
void relu6(Operation& op) { op.result("Clip", {op.operand(0), op.scalar(0), op.scalar(6)}); }

void leaky_relu(Operation& op) { op.result("LeakyRelu", {op.operand(0)}, {{"alpha", op.real("slope")}}); }
void elu(Operation& op) { op.result("Elu", {op.operand(0)}, {{"alpha", op.real("alpha")}}); }

// Its slopes spread over x, never x over them.
void prelu(Operation& op) {
  if (op.shape(0) != op.node().type.shape) return write_formula(op);
  op.result("PRelu", {op.operand(0), op.spread(1)});
}

NodeAttributes sixth() { return {{"alpha", 1.0F / 6}, {"beta", 0.5F}}; }

void hardsigmoid(Operation& op) { op.result("HardSigmoid", {op.operand(0)}, sixth()); }
void hardswish(Operation& op) {
  if (op.opset() >= 14) return op.result("HardSwish", {op.operand(0)});
  op.result("Mul", {op.operand(0), op.emit("HardSigmoid", {op.operand(0)}, sixth())});
}

void gelu(Operation& op) {
  if (op.opset() < 20) return write_formula(op);
  op.result("Gelu", {op.operand(0)}, {{"approximate", op.attribute<std::string>("approximate")}});
}

void mish(Operation& op) {
  if (op.opset() >= 18) return op.result("Mish", {op.operand(0)});
  op.result("Mul", {op.operand(0), op.emit("Tanh", {op.emit("Softplus", {op.operand(0)})})});
}

// Beyond the threshold it is x; from 17 on that is the same in f32.
void softplus(Operation& op) {
  constexpr double kSame = 17;
  const auto beta = op.attribute<double>("beta"), threshold = op.attribute<double>("threshold");
  if (beta == 1 && threshold >= kSame) return op.result("Softplus", {op.operand(0)});
  const std::string scaled = op.emit("Mul", {op.operand(0), op.scalar(beta)});
  const std::string soft = op.emit("Softplus", {scaled});
  if (threshold >= kSame && beta > 0) return op.result("Div", {soft, op.scalar(beta)});
  const std::string is_beyond = op.emit("Less", {op.scalar(threshold), scaled});
  op.result("Where", {is_beyond, op.operand(0), op.emit("Div", {soft, op.scalar(beta)})});
}

void pow(Operation& op) { op.result("Pow", {op.operand(0), op.scalar(op.attribute<double>("exponent"))}); }

}  // namespace

std::span<const Exporter> activation_exporters() {
  static constexpr Exporter kRows[] = {
      {Op::sigmoid, of_one_operand, "Sigmoid"},
      {Op::silu, silu},
      {Op::relu6, relu6},
      {Op::clip, clip},
      {Op::leaky_relu, leaky_relu},
      {Op::prelu, prelu},
      {Op::elu, elu},
      {Op::gelu, gelu},
      {Op::hardsigmoid, hardsigmoid},
      {Op::hardswish, hardswish},
      {Op::softplus, softplus},
      {Op::mish, mish},
      {Op::pow, pow},
  };
  return kRows;
}

}  // namespace rnc::onnx
