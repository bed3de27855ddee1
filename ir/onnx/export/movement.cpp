// The same elements elsewhere: shapes, orders, parts, and values put together.
#include "ir/onnx/export/exporters.h"
#include "ir/ops/axis.h"

namespace rnc::onnx {
namespace {

void same(Operation& op) { op.same_as(op.operand(0)); }

void flatten(Operation& op) { op.result("Flatten", {op.operand(0)}, {{"axis", int64_t{1}}}); }

// The batch stays as it is: 0.
void reshape(Operation& op) {
  Shape shape = op.node().type.shape;
  if (has_batch(shape)) shape[0] = 0;
  op.result("Reshape", {op.operand(0), op.integers_of("shape", shape)});
}

void permute(Operation& op) { op.result("Transpose", {op.operand(0)}, {{"perm", op.integers("order")}}); }

int64_t axis_of(const Operation& op) { return rnc::axis_of(op.node(), op.node().type.rank()); }

void concat(Operation& op) {
  std::vector<std::string> operands;
  for (size_t i = 0; i < op.count(); ++i) operands.push_back(op.operand(i));
  op.result("Concat", operands, {{"axis", axis_of(op)}});
}

std::vector<std::string> part(Operation& op, int64_t axis, int64_t begin, int64_t end) {
  return {op.operand(0), op.integers_of("starts", {begin}), op.integers_of("ends", {end}),
          op.integers_of("axes", {axis})};
}

void slice(Operation& op) {
  op.result("Slice", part(op, axis_of(op), op.attribute<int64_t>("begin"), op.attribute<int64_t>("end")));
}
void slice_channels(Operation& op) {
  op.result("Slice", part(op, 1, op.attribute<int64_t>("begin"), op.attribute<int64_t>("end")));
}

void padded(Operation& op, int64_t axis) {
  const auto rank = static_cast<size_t>(op.node().type.rank()), at = static_cast<size_t>(axis);
  std::vector<int64_t> pads(2 * rank, 0);
  pads[at] = op.attribute<int64_t>("before");
  pads[at + rank] = op.attribute<int64_t>("after");
  op.result("Pad", {op.operand(0), op.integers_of("pads", pads)});
}
void pad_axis(Operation& op) { padded(op, axis_of(op)); }
void pad_channels(Operation& op) { padded(op, 1); }

void roll(Operation& op) {
  const int64_t axis = axis_of(op), size = op.node().type.shape[static_cast<size_t>(axis)];
  const int64_t shift = shift_of(op.node(), size);
  if (shift == 0) return same(op);
  const std::string last = op.emit("Slice", part(op, axis, size - shift, size));
  const std::string first = op.emit("Slice", part(op, axis, 0, size - shift));
  op.result("Concat", {last, first}, {{"axis", axis}});
}

}  // namespace

std::span<const Exporter> movement_exporters() {
  static constexpr Exporter kRows[] = {
      {Op::relayout, same},
      {Op::dropout, same},  // in inference
      {Op::drop_path, same},
      {Op::flatten, flatten},
      {Op::reshape, reshape},
      {Op::permute, permute},
      {Op::concat, concat},
      {Op::slice, slice},
      {Op::slice_channels, slice_channels},
      {Op::pad_axis, pad_axis},
      {Op::pad_channels, pad_channels},
      {Op::roll, roll},
  };
  return kRows;
}

}  // namespace rnc::onnx
