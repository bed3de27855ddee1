// Images of bytes: normalised, and resized as Pillow does it.
#include <fmt/format.h>

#include "ir/onnx/export/exporters.h"
#include "ir/onnx/export/taps.h"

namespace rnc::onnx {
namespace {

// (x / 255 - mean) / std, step by step, so that rounding is everywhere the same
void normalize(Operation& op) {
  const auto &mean = op.attribute<std::vector<double>>("mean"),
             &std = op.attribute<std::vector<double>>("std");
  const Shape shape = {static_cast<int64_t>(mean.size()), 1, 1};
  const std::string shares = op.emit("Div", {op.as_float(op.operand(0)), op.scalar(255)});
  const std::string centred = op.emit("Sub", {shares, op.numbers("mean", DType::f32, shape, mean)});
  op.result("Div", {centred, op.numbers("std", DType::f32, shape, std)});
}

// Of bytes as Pillow does it: sums of products with whole numbers of 22 binary digits after the point, rounded to bytes.
// They stay below 2^31.
std::string resized_bytes(Operation& op, std::string x, size_t dimension) {
  const AxisTaps taps = pillow_taps(op.shape(0)[dimension + 2], op.node().type.shape[dimension + 2]);
  const std::string matrix = matrix_of(op, taps, dimension, DType::i32);
  const std::string sum = dimension == 0 ? op.emit("MatMul", {matrix, x}) : op.emit("MatMul", {x, matrix});
  const std::string half = op.numbers("half", DType::i32, {}, {1 << 21}),
                    one = op.numbers("one", DType::i32, {}, {1 << 22});
  return op.emit("Div", {op.emit("Add", {sum, half}), one});
}

}  // namespace

void resize_bytes(Operation& op) {
  const std::string x = op.emit("Cast", {op.operand(0)}, {{"to", int64_t{proto::TensorProto::INT32}}});
  op.result("Cast", {resized_bytes(op, resized_bytes(op, x, 1), 0)},
            {{"to", int64_t{proto::TensorProto::UINT8}}});
}

std::string matrix_of(Operation& op, const AxisTaps& taps, size_t dimension, DType type) {
  constexpr size_t kMost = size_t{1} << 26;  // elements
  const auto from = static_cast<size_t>(op.shape(0)[dimension + 2]), to = taps.size();
  if (from > kMost / to) op.refuse(fmt::format("{} rows or columns from {} are too many", to, from));
  std::vector<double> elements(from * to, 0.0);
  for (size_t i = 0; i < to; ++i)
    for (const Tap& tap : taps[i]) {
      const auto at = static_cast<size_t>(tap.index);
      elements[dimension == 0 ? i * from + at : at * to + i] += tap.weight;
    }
  const auto rows = static_cast<int64_t>(to), columns = static_cast<int64_t>(from);
  const Shape shape = dimension == 0 ? Shape{rows, columns} : Shape{columns, rows};
  return op.numbers(dimension == 0 ? "rows" : "columns", type, shape, elements);
}

std::span<const Exporter> image_exporters() {
  static constexpr Exporter kRows[] = {{Op::normalize, normalize}};
  return kRows;
}

}  // namespace rnc::onnx
