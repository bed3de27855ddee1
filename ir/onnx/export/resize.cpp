// Maps of other sizes: interpolation and padding. What Resize does not compute to the last index, everywhere, is taken
// element by element (Gather), or as a product with the taps of its rows and columns (ir/ops/resample.h).
#include <algorithm>

#include "ir/onnx/export/exporters.h"
#include "ir/onnx/export/taps.h"

namespace rnc::onnx {
namespace {

const std::string& mode_of(const Operation& op) { return op.attribute<std::string>("mode"); }
const Shape& to_shape(const Operation& op) { return op.node().type.shape; }

// --- By taps

// Elements of rows (axis 2) or columns (3), of which each tap is one.
std::string gathered(Operation& op, std::string x, int64_t axis) {
  const AxisTaps taps = taps_along(op.node(), op.shape(0), static_cast<size_t>(axis) - 2);
  std::vector<int64_t> indices;
  for (const auto& tap : taps) indices.push_back(tap.at(0).index);
  bool is_same = static_cast<int64_t>(indices.size()) == op.shape(0)[static_cast<size_t>(axis)];
  for (size_t i = 0; i < indices.size(); ++i) is_same &= indices[i] == static_cast<int64_t>(i);
  if (is_same) return x;
  return op.emit("Gather", {std::move(x), op.integers_of("indices", indices)}, {{"axis", axis}});
}

void gathered_map(Operation& op) { op.same_as(gathered(op, gathered(op, op.operand(0), 2), 3)); }

std::string taps_matrix(Operation& op, size_t dimension) {
  return matrix_of(op, taps_along(op.node(), op.shape(0), dimension), dimension, DType::f32);
}

void products(Operation& op) {
  const std::string wide = op.emit("MatMul", {op.operand(0), taps_matrix(op, 1)});
  op.result("MatMul", {taps_matrix(op, 0), wide});
}

// --- Resize

// Whether the size alone says what is asked for: not a scale that is rounded.
bool is_by_size(const Operation& op) {
  const auto& scale = op.attribute<std::vector<double>>("scale");
  for (size_t d = 0; d < 2 && !scale.empty(); ++d)
    if (scale[std::min(d, scale.size() - 1)] * static_cast<double>(op.shape(0)[d + 2]) !=
        static_cast<double>(to_shape(op)[d + 2]))
      return false;
  return true;
}

// Whether rounding in f32 cannot choose another element: a whole factor, or one through a power of two.
bool is_nearest_exact(int64_t from, int64_t to) {
  if (to % from == 0) return true;
  const int64_t factor = from / to;
  return from % to == 0 && (factor & (factor - 1)) == 0;
}

// Scales where they give the sizes exactly, as the batch may be any; else sizes, with the operand's own first two.
std::vector<std::string> resize_inputs(Operation& op) {
  const Shape &from = op.shape(0), &to = to_shape(op);
  std::vector<double> scales = {1, 1};
  bool is_exact = true;
  for (size_t d = 2; d < 4; ++d) {
    const auto wanted = static_cast<double>(to[d]), size = static_cast<double>(from[d]);
    scales.push_back(wanted / size);
    is_exact &= static_cast<double>(static_cast<float>(wanted / size)) * size == wanted;
  }
  if (is_exact) return {op.operand(0), "", op.numbers("scales", DType::f32, {4}, scales)};
  const std::string all = op.emit("Shape", {op.operand(0)});
  const std::string first =
      op.emit("Slice", {all, op.integers_of("starts", {0}), op.integers_of("ends", {2})});
  const std::string sizes =
      op.emit("Concat", {first, op.integers_of("sizes", {to[2], to[3]})}, {{"axis", int64_t{0}}});
  return {op.operand(0), "", "", sizes};
}

void nearest(Operation& op, const std::string& transformation, const std::string& rounding) {
  for (size_t d = 2; d < 4; ++d)
    if (!is_nearest_exact(op.shape(0)[d], to_shape(op)[d])) return gathered_map(op);
  op.result("Resize", resize_inputs(op),
            {{"mode", std::string("nearest")},
             {"coordinate_transformation_mode", transformation},
             {"nearest_mode", rounding}});
}

void smooth(Operation& op, const std::string& as) {
  const std::string transformation = op.attribute<bool>("align_corners") ? "align_corners" : "half_pixel";
  NodeAttributes attributes = {{"mode", as}, {"coordinate_transformation_mode", transformation}};
  if (as == "cubic") attributes.push_back({"cubic_coeff_a", -0.75F});
  op.result("Resize", resize_inputs(op), attributes);
}

// Means of windows: all alike, if the sizes divide.
void area(Operation& op) {
  const Shape &from = op.shape(0), &to = to_shape(op);
  if (to[2] == 1 && to[3] == 1) return op.result("GlobalAveragePool", {op.operand(0)});
  if (from[2] % to[2] != 0 || from[3] % to[3] != 0) return products(op);
  const std::vector<int64_t> window = {from[2] / to[2], from[3] / to[3]};
  op.result("AveragePool", {op.operand(0)}, {{"kernel_shape", window}, {"strides", window}});
}

void resize(Operation& op) {
  const std::string& mode = mode_of(op);
  const bool takes_elements = mode == "nearest" || mode == "nearest_exact" || mode == "windows";
  if (op.type(0).dtype == DType::u8) return resize_bytes(op);
  if (mode == "area") return area(op);
  if (mode == "windows" || (takes_elements && !is_by_size(op))) return gathered_map(op);
  if (mode == "nearest") return nearest(op, "asymmetric", "floor");
  if (mode == "nearest_exact") return nearest(op, "half_pixel", "round_prefer_ceil");
  if (!is_by_size(op)) return products(op);
  smooth(op, mode == "bilinear" ? "linear" : "cubic");
}

// --- Pad: "wrap" came with opset 19

void pad(Operation& op) {
  const auto& pads = op.integers("pads");
  const bool circular = mode_of(op) == "circular";
  if (circular && op.opset() < 19) return gathered_map(op);
  std::vector<std::string> inputs = {
      op.operand(0), op.integers_of("pads", {0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]})};
  const auto value = op.attribute<double>("value");
  if (value != 0) inputs.push_back(op.scalar(value));
  op.result("Pad", inputs, {{"mode", circular ? std::string("wrap") : mode_of(op)}});
}

}  // namespace

std::span<const Exporter> resize_exporters() {
  static constexpr Exporter kRows[] = {{Op::resize, resize}, {Op::pad, pad}};
  return kRows;
}

}  // namespace rnc::onnx
