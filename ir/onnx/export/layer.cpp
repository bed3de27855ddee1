// Convolutions and matrix products.
#include <numeric>
#include <utility>

#include "ir/onnx/export/exporters.h"

namespace rnc::onnx {
namespace {

std::vector<int64_t> kernel_of(const Shape& weight) { return {weight[2], weight[3]}; }

std::string bias_of(Operation& op) {
  const int place = operand_place(op.node(), "bias");
  return place < 0 ? std::string() : op.weight(static_cast<size_t>(place), "bias");
}

// A packed weight of a dump is for kernels; the plain one is an operand, too.
void conv2d(Operation& op) {
  op.result("Conv", {op.operand(0), op.weight(1, "weight"), bias_of(op)},
            {{"kernel_shape", kernel_of(op.shape(1))},
             {"strides", op.integers("stride")},
             {"pads", op.integers("pad")},
             {"dilations", op.integers("dilation")},
             {"group", op.attribute<int64_t>("groups")}});
}

void conv_transpose2d(Operation& op) {
  const auto& pad = op.integers("pad");
  op.result("ConvTranspose", {op.operand(0), op.weight(1, "weight"), bias_of(op)},
            {{"kernel_shape", kernel_of(op.shape(1))},
             {"strides", op.integers("stride")},
             {"pads", std::vector<int64_t>{pad[0], pad[1], pad[0], pad[1]}},
             {"output_padding", op.integers("output_pad")},
             {"dilations", op.integers("dilation")},
             {"group", op.attribute<int64_t>("groups")}});
}

// Of a dump in which a transposed convolution has become the gradient that it is: of the size it has, some rows and columns
// may come from no window.
void conv2d_input_grad(Operation& op) {
  const auto &stride = op.integers("stride"), &pads = op.integers("pad"), &dilation = op.integers("dilation");
  const Shape &from = op.shape(0), &to = op.node().type.shape;
  const std::vector<int64_t> kernel = kernel_of(op.shape(1));
  std::vector<int64_t> output_padding;
  for (size_t d = 0; d < 2; ++d)
    output_padding.push_back(to[d + 2] + pads[d] + pads[d + 2] - (from[d + 2] - 1) * stride[d] -
                             (kernel[d] - 1) * dilation[d] - 1);
  op.result("ConvTranspose", {op.operand(0), op.weight(1, "weight")},
            {{"kernel_shape", kernel},
             {"strides", stride},
             {"pads", pads},
             {"output_padding", output_padding},
             {"dilations", dilation},
             {"group", op.attribute<int64_t>("groups")}});
}

// Gemm takes matrices alone.
void linear(Operation& op) {
  if (op.node().type.rank() == 2)
    return op.result("Gemm", {op.operand(0), op.weight(1, "weight"), bias_of(op)}, {{"transB", int64_t{1}}});
  const std::vector<std::string> product = {op.operand(0), op.transposed(1, "weight")};
  const std::string bias = bias_of(op);
  if (bias.empty()) return op.result("MatMul", product);
  op.result("Add", {op.emit("MatMul", product), bias});
}

// The operand with its last two dimensions as the product takes them.
std::string factor(Operation& op, size_t i, std::string_view transpose) {
  if (!op.attribute<bool>(transpose)) return op.operand(i);
  std::vector<int64_t> order(op.shape(i).size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return op.emit("Transpose", {op.operand(i)}, {{"perm", order}});
}

void matmul(Operation& op) {
  const int64_t transposes_a = op.attribute<bool>("transpose_a") ? 1 : 0,
                transposes_b = op.attribute<bool>("transpose_b") ? 1 : 0;
  if (op.node().type.rank() == 2 && transposes_a + transposes_b > 0)
    return op.result("Gemm", {op.operand(0), op.operand(1)},
                     {{"transA", transposes_a}, {"transB", transposes_b}});
  const std::string a = factor(op, 0, "transpose_a");
  op.result("MatMul", {a, factor(op, 1, "transpose_b")});
}

}  // namespace

std::span<const Exporter> layer_exporters() {
  static constexpr Exporter kRows[] = {
      {Op::conv2d, conv2d},
      {Op::conv_transpose2d, conv_transpose2d},
      {Op::conv2d_input_grad, conv2d_input_grad},
      {Op::linear, linear},
      {Op::matmul, matmul},
  };
  return kRows;
}

}  // namespace rnc::onnx
