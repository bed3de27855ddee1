// Values put together, cut, lengthened and turned along one dimension. The batch is not one of these dimensions.
#include "ir/ops/axis.h"

#include <fmt/format.h>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc {

int64_t axis_of(const Node& node, int rank) {
  const auto axis = node.attributes.get<int64_t>("axis");
  return axis < 0 ? axis + rank : axis;
}

int64_t shift_of(const Node& roll, int64_t size) {
  const int64_t shift = roll.attributes.get<int64_t>("shift") % size;
  return shift < 0 ? shift + size : shift;
}

namespace ops {

size_t checked_axis(const Node& node, const Type& type, int first) {
  require_real_at_least(node, type, first + 1, "the operand");
  const int64_t axis = axis_of(node, type.rank());
  if (axis < first || axis >= type.rank())
    fail(node, fmt::format("axis must be {} to {}, or -1 to {}, for {}, not {}", first, type.rank() - 1,
                           first - type.rank(), str(type), node.attributes.get<int64_t>("axis")));
  return static_cast<size_t>(axis);
}

namespace {

int64_t size_attribute(const Node& node, std::string_view attribute, int64_t least) {
  const auto value = node.attributes.get<int64_t>(attribute);
  if (value < least) fail(node, fmt::format("{} must be at least {}, not {}", attribute, least, value));
  return value;
}

Type infer_concat(const Node& node, Types in) {
  const size_t axis = checked_axis(node, in[0]);
  Type result = like(in[0], in[0].shape);
  for (size_t i = 1; i < in.size(); ++i) {
    Type expected = like(in[0], in[0].shape);
    if (in[i].rank() == in[0].rank()) expected.shape[axis] = in[i].shape[axis];
    if (in[i].dtype != expected.dtype || in[i].shape != expected.shape)
      fail(node, fmt::format("operand {} is {}; {} has other sizes besides axis {}", i + 1, str(in[i]),
                             str(in[0]), axis));
    result.shape[axis] += in[i].shape[axis];
  }
  return result;
}

Type infer_slice(const Node& node, Types in) {
  const size_t axis = checked_axis(node, in[0]);
  const int64_t begin = size_attribute(node, "begin", 0), end = size_attribute(node, "end", begin + 1);
  if (end > in[0].shape[axis])
    fail(node,
         fmt::format("end is {}, but {} has {} along axis {}", end, str(in[0]), in[0].shape[axis], axis));
  Type result = like(in[0], in[0].shape);
  result.shape[axis] = end - begin;
  return result;
}

Type infer_pad_axis(const Node& node, Types in) {
  const size_t axis = checked_axis(node, in[0]);
  Type result = like(in[0], in[0].shape);
  result.shape[axis] += size_attribute(node, "before", 0) + size_attribute(node, "after", 0);
  return result;
}

// The first dimension, too, but not a batch: an image's values do not depend on the others'.
Type infer_roll(const Node& node, Types in) {
  const Type& x = in[0];
  const bool batch = has_batch(x.shape);
  if (batch && axis_of(node, x.rank()) == 0)
    fail(node, fmt::format("axis {} of {} is the batch, which is not rolled",
                           node.attributes.get<int64_t>("axis"), str(x)));
  checked_axis(node, x, batch ? 1 : 0);
  return like(x, x.shape);
}

// x's elements [from, from + count) along the axis become y's from `to` on.
void copy_piece(const TensorData& x, TensorData& y, size_t axis, int64_t from, int64_t to, int64_t count) {
  size_t outer = 1, inner = 1;
  for (size_t d = 0; d < axis; ++d) outer *= static_cast<size_t>(x.shape[d]);
  for (size_t d = axis + 1; d < x.shape.size(); ++d) inner *= static_cast<size_t>(x.shape[d]);
  const size_t x_row = static_cast<size_t>(x.shape[axis]) * inner,
               y_row = static_cast<size_t>(y.shape[axis]) * inner;
  for (size_t o = 0; o < outer; ++o)
    for (size_t i = 0; i < static_cast<size_t>(count) * inner; ++i)
      y.values[o * y_row + static_cast<size_t>(to) * inner + i] =
          x.values[o * x_row + static_cast<size_t>(from) * inner + i];
}

size_t axis_in(const EvalContext& context) {
  return static_cast<size_t>(axis_of(context.node, static_cast<int>(context.result.shape.size())));
}

void evaluate_concat(EvalContext& context) {
  const size_t axis = axis_in(context);
  int64_t to = 0;
  for (const TensorData* x : context.inputs) {
    copy_piece(*x, context.result, axis, 0, to, x->shape[axis]);
    to += x->shape[axis];
  }
}

void evaluate_slice(EvalContext& context) {
  const size_t axis = axis_in(context);
  copy_piece(*context.inputs[0], context.result, axis, context.node.attributes.get<int64_t>("begin"), 0,
             context.result.shape[axis]);
}

void evaluate_pad_axis(EvalContext& context) {
  const size_t axis = axis_in(context);
  const TensorData& x = *context.inputs[0];
  copy_piece(x, context.result, axis, 0, context.node.attributes.get<int64_t>("before"), x.shape[axis]);
}

void evaluate_roll(EvalContext& context) {
  const size_t axis = axis_in(context);
  const TensorData& x = *context.inputs[0];
  const int64_t size = x.shape[axis], shift = shift_of(context.node, size);
  copy_piece(x, context.result, axis, 0, shift, size - shift);
  copy_piece(x, context.result, axis, size - shift, 0, shift);
}

ValueId emit_slice(GraphBuilder& b, ValueId x, int64_t axis, int64_t begin, int64_t end) {
  Attributes attributes;
  attributes.set("axis", axis);
  attributes.set("begin", begin);
  attributes.set("end", end);
  return b.emit(Op::slice, {x}, std::move(attributes));
}

std::vector<ValueId> gradient_concat(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  const int64_t axis = axis_of(node, node.type.rank());
  std::vector<ValueId> gradients;
  int64_t begin = 0;
  for (const ValueId input : node.inputs) {
    const int64_t size = b[input].type.shape[static_cast<size_t>(axis)];
    gradients.push_back(emit_slice(b, dy, axis, begin, begin + size));
    begin += size;
  }
  return gradients;
}

std::vector<ValueId> gradient_slice(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  const int64_t axis = axis_of(node, node.type.rank());
  Attributes attributes;
  attributes.set("axis", axis);
  attributes.set("before", node.attributes.get<int64_t>("begin"));
  attributes.set(
      "after", b[node.inputs[0]].type.shape[static_cast<size_t>(axis)] - node.attributes.get<int64_t>("end"));
  return {b.emit(Op::pad_axis, {dy}, std::move(attributes))};
}

std::vector<ValueId> gradient_pad_axis(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  const int64_t axis = axis_of(node, node.type.rank()), before = node.attributes.get<int64_t>("before");
  const int64_t size = b[node.inputs[0]].type.shape[static_cast<size_t>(axis)];
  return {emit_slice(b, dy, axis, before, before + size)};
}

std::vector<ValueId> gradient_roll(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node& node = b[forward];
  const int64_t axis = axis_of(node, node.type.rank());
  Attributes attributes;
  attributes.set("axis", axis);
  attributes.set("shift", -shift_of(node, node.type.shape[static_cast<size_t>(axis)]));
  return {b.emit(Op::roll, {dy}, std::move(attributes))};
}

OpInfo along_axis(Op op, std::string_view name, std::string_view doc) {
  return {.op = op,
          .name = name,
          .kind = OpKind::window,
          .min_inputs = 1,
          .max_inputs = 1,
          .attributes = {{"axis", AttributeKind::integer, int64_t{1}}},
          .doc = doc};
}

}  // namespace

OpInfo concat() {
  constexpr int kMost = 1024;
  OpInfo row = along_axis(Op::concat, "concat", "the operands one after the other along a dimension");
  row.max_inputs = kMost;
  row.infer = infer_concat;
  row.gradient = gradient_concat;
  row.evaluate = evaluate_concat;
  return row;
}

OpInfo slice() {
  OpInfo row = along_axis(Op::slice, "slice", "elements [begin, end) along a dimension");
  row.attributes.push_back({"begin", AttributeKind::integer, {}});
  row.attributes.push_back({"end", AttributeKind::integer, {}});
  row.infer = infer_slice;
  row.gradient = gradient_slice;
  row.evaluate = evaluate_slice;
  return row;
}

OpInfo pad_axis() {
  OpInfo row = along_axis(Op::pad_axis, "pad_axis", "zeros before and after the elements along a dimension");
  row.attributes.push_back({"before", AttributeKind::integer, int64_t{0}});
  row.attributes.push_back({"after", AttributeKind::integer, int64_t{0}});
  row.infer = infer_pad_axis;
  row.gradient = gradient_pad_axis;
  row.evaluate = evaluate_pad_axis;
  return row;
}

OpInfo roll() {
  OpInfo row =
      along_axis(Op::roll, "roll",
                 "the elements `shift` places further along a dimension; what leaves it at its end comes "
                 "in at its beginning");
  row.attributes.push_back({"shift", AttributeKind::integer, {}});
  row.infer = infer_roll;
  row.gradient = gradient_roll;
  row.evaluate = evaluate_roll;
  return row;
}

}  // namespace ops
}  // namespace rnc
