// Where the largest element along a dimension is.
#include <fmt/format.h>

#include <cmath>

#include "ir/graph/interpreter.h"
#include "ir/ops/axis.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

constexpr int64_t kMost = int64_t{1} << 24;  // whole numbers up to it are f32

Shape shape_along(const Node& node, Shape shape, size_t axis) {
  if (node.attributes.get<bool>("keepdims"))
    shape[axis] = 1;
  else
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  return shape;
}

Type infer_argmax(const Node& node, Types in) {
  const size_t axis = checked_axis(node, in[0], has_batch(in[0].shape) ? 1 : 0);
  if (in[0].shape[axis] > kMost)
    fail(node, fmt::format("{} has more than {} elements along axis {}", str(in[0]), kMost, axis));
  return {DType::i32, shape_along(node, in[0].shape, axis), {}};
}

// A NaN is larger than any number.
void evaluate_argmax(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  const auto axis = static_cast<size_t>(axis_of(context.node, static_cast<int>(x.shape.size())));
  const bool last = context.node.attributes.get<bool>("last");
  size_t inner = 1;
  for (size_t d = axis + 1; d < x.shape.size(); ++d) inner *= static_cast<size_t>(x.shape[d]);
  const auto size = static_cast<size_t>(x.shape[axis]);
  for (size_t i = 0; i < context.result.values.size(); ++i) {
    const auto value = [&](size_t k) { return x.values[(i / inner * size + k) * inner + i % inner]; };
    size_t most = 0;
    for (size_t k = 1; k < size; ++k) {
      const double a = value(k), b = value(most);
      const bool same = a == b || (std::isnan(a) && std::isnan(b));
      if (same ? last : a > b || (std::isnan(a) && !std::isnan(b))) most = k;
    }
    context.result.values[i] = static_cast<double>(most);
  }
}

}  // namespace

// Places are numbered from the other end, so that the largest number is that of the first place.
ValueId emit_argmax(GraphBuilder& b, const Node& node, ValueId x) {
  const Shape shape = b[x].type.shape;
  const int64_t axis = axis_of(node, static_cast<int>(shape.size())), size = shape[static_cast<size_t>(axis)];
  const bool last = node.attributes.get<bool>("last");
  const auto most_along = [&](ValueId v) {
    Attributes attributes;
    attributes.set("axes", std::vector<int64_t>{axis});
    attributes.set("keepdims", true);
    return b.emit(Op::amax, {v}, std::move(attributes));
  };
  std::vector<double> numbers;
  for (int64_t i = 0; i < size; ++i) numbers.push_back(static_cast<double>(last ? i + 1 : size - i));
  std::vector<int64_t> spread(shape.size(), 1);
  spread[static_cast<size_t>(axis)] = size;
  Attributes places;
  places.set("values", std::move(numbers));
  const bool is_of_rows = axis == 1 && shape.size() == 2;  // where a vector stands for the columns
  places.set("shape", is_of_rows ? std::vector<int64_t>{size} : std::move(spread));
  const ValueId is_most = b.emit(Op::equal, {x, most_along(x)}), is_nan = b.emit(Op::not_equal, {x, x});
  const ValueId found = b.emit(Op::max, {is_most, is_nan}),
                number = b.emit(Op::constants, {}, std::move(places));
  const ValueId largest = most_along(b.emit(Op::mul, {found, number})),
                offset = b.constant(last ? 1 : static_cast<double>(size));
  const ValueId place = last ? b.emit(Op::sub, {largest, offset}) : b.emit(Op::sub, {offset, largest});
  Attributes whole;
  whole.set("to", std::string(name(DType::i32)));
  return b.emit(Op::cast, {emit_reshape(b, place, node.type.shape)}, std::move(whole));
}

OpInfo argmax() {
  return {.op = Op::argmax,
          .name = "argmax",
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .attributes = {{"axis", AttributeKind::integer, int64_t{1}},
                         {"keepdims", AttributeKind::boolean, false},
                         {"last", AttributeKind::boolean, false}},
          .doc =
              "the place of the largest element along a dimension, counted from 0; of equal ones the first, "
              "or the "
              "last; NaN is the largest",
          .infer = infer_argmax,
          .evaluate = evaluate_argmax};
}

}  // namespace rnc::ops
