// Sums, means and largest elements along dimensions.
#include "ir/ops/reduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc {

std::vector<int64_t> reduced_axes(const Node& node, int rank) {
  const auto& given = node.attributes.get<std::vector<int64_t>>("axes");
  std::set<int64_t> axes;
  for (int64_t d = 0; d < rank && given.empty(); ++d) axes.insert(d);
  for (const int64_t axis : given)
    if (-rank <= axis && axis < rank) axes.insert(axis < 0 ? axis + rank : axis);
  return {axes.begin(), axes.end()};
}

Shape reduced_shape(Shape shape, const std::vector<int64_t>& axes) {
  for (const int64_t axis : axes) shape[static_cast<size_t>(axis)] = 1;
  return shape;
}

bool is_image_sum(const Node& node) {
  return node.op == Op::sum && node.type.rank() == 4 && reduced_axes(node, 4) == std::vector<int64_t>{2, 3};
}

bool sums_channels(const Node& node) {
  return node.op == Op::sum && node.type.rank() == 4 && reduced_axes(node, 4) == std::vector<int64_t>{1};
}

namespace ops {
namespace {

bool keeps_dims(const Node& node) { return node.attributes.get<bool>("keepdims"); }

Type infer_reduction(const Node& node, Types in) {
  require_real_at_least(node, in[0], 1, "the operand");
  const int rank = in[0].rank();
  for (const int64_t axis : node.attributes.get<std::vector<int64_t>>("axes"))
    if (axis < -rank || axis >= rank)
      fail(node, fmt::format("axes must be -{} to {} for {}, not {}", rank, rank - 1, str(in[0]), axis));
  const std::vector<int64_t> axes = reduced_axes(node, rank);
  if (node.attributes.get<std::vector<int64_t>>("axes").size() > axes.size())
    fail(node, "axes names a dimension twice");
  Shape shape = reduced_shape(in[0].shape, axes);
  if (keeps_dims(node)) return like(in[0], std::move(shape));
  Shape kept;
  for (int64_t d = 0; d < rank; ++d)
    if (std::ranges::find(axes, d) == axes.end()) kept.push_back(shape[static_cast<size_t>(d)]);
  return like(in[0], std::move(kept));
}

// Calls visit(element of the result, element of x).
template <class Visit>
void for_each_element(const TensorData& x, const std::vector<int64_t>& axes, const Visit& visit) {
  const Shape small = reduced_shape(x.shape, axes);
  for (size_t i = 0; i < x.values.size(); ++i) {
    size_t place = 0, stride = 1, rest = i;
    for (size_t d = small.size(); d-- > 0;) {
      const auto size = static_cast<size_t>(x.shape[d]);
      if (small[d] == x.shape[d]) {
        place += rest % size * stride;
        stride *= size;
      }
      rest /= size;
    }
    visit(place, x.values[i]);
  }
}

void evaluate_sum(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  for_each_element(x, reduced_axes(context.node, static_cast<int>(x.shape.size())),
                   [&](size_t to, double value) { context.accumulate(context.result.values[to], value); });
}

void evaluate_mean(EvalContext& context) {
  evaluate_sum(context);
  const auto count = static_cast<double>(context.inputs[0]->values.size() / context.result.values.size());
  for (double& value : context.result.values) value /= count;
}

void evaluate_amax(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  std::ranges::fill(context.result.values, -std::numeric_limits<double>::infinity());
  for_each_element(x, reduced_axes(context.node, static_cast<int>(x.shape.size())),
                   [&](size_t to, double value) {
                     double& most = context.result.values[to];
                     if (std::isnan(value) || value > most) most = value;
                   });
}

// A value of the result's shape with the dimensions that were left out.
ValueId with_dims(GraphBuilder& b, ValueId forward, ValueId value) {
  const Node node = b[forward];
  if (keeps_dims(node)) return value;
  const Shape& x = b[node.inputs[0]].type.shape;
  return emit_reshape(b, value, reduced_shape(x, reduced_axes(node, static_cast<int>(x.size()))));
}

std::vector<ValueId> gradient_sum(GraphBuilder& b, ValueId forward, ValueId dy) {
  const ValueId x = b[forward].inputs[0];
  return {b.emit(Op::expand_as, {with_dims(b, forward, dy), x})};
}

std::vector<ValueId> gradient_mean(GraphBuilder& b, ValueId forward, ValueId dy) {
  const ValueId x = b[forward].inputs[0];
  return {b.emit(Op::expand_as, {emit_mean_of_sum(b, with_dims(b, forward, dy), b[forward]), x})};
}

// To each of equal maxima its share, as PyTorch's amax.
std::vector<ValueId> gradient_amax(GraphBuilder& b, ValueId forward, ValueId dy) {
  const ValueId x = b[forward].inputs[0];
  const ValueId is_most = b.emit(Op::equal, {x, with_dims(b, forward, forward)});
  Attributes attributes;
  attributes.set("axes", reduced_axes(b[forward], b[x].type.rank()));
  attributes.set("keepdims", true);
  const ValueId count = b.emit(Op::sum, {is_most}, std::move(attributes));
  return {b.emit(Op::mul, {is_most, b.emit(Op::div, {with_dims(b, forward, dy), count})})};
}

OpInfo reduction(Op op, std::string_view name, std::string_view doc) {
  return {.op = op,
          .name = name,
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .attributes = {{"axes", AttributeKind::integers, std::vector<int64_t>{}},
                         {"keepdims", AttributeKind::boolean, false}},
          .doc = doc,
          .infer = infer_reduction};
}

}  // namespace

// The number of elements is a constant but for the batch, which element_count counts.
ValueId emit_mean_of_sum(GraphBuilder& b, ValueId sum, Node reduction) {
  const ValueId x = reduction.inputs[0];
  const Shape shape = b[x].type.shape;
  int64_t count = 1;
  bool batch = false;
  for (const int64_t axis : reduced_axes(reduction, static_cast<int>(shape.size()))) {
    const int64_t size = shape[static_cast<size_t>(axis)];
    batch |= size == kBatch;
    if (size != kBatch) count *= size;
  }
  if (!batch) {
    const ValueId factor = b.constant(1.0 / static_cast<double>(count));
    return b.emit(Op::mul, {sum, factor});
  }
  int64_t counted = 1;  // by element_count, of each image
  for (size_t d = 2; d < shape.size(); ++d) counted *= shape[d];
  const ValueId per_image = b.constant(static_cast<double>(count) / static_cast<double>(counted));
  const ValueId images = shape.size() > 1 ? x : emit_reshape(b, x, {shape[0], 1});
  return b.emit(Op::div, {sum, b.emit(Op::mul, {b.emit(Op::element_count, {images}), per_image})});
}

OpInfo sum() {
  OpInfo row = reduction(Op::sum, "sum", "the sum of the elements along dimensions, of all by default");
  row.gradient = gradient_sum;
  row.evaluate = evaluate_sum;
  return row;
}

OpInfo mean() {
  OpInfo row = reduction(Op::mean, "mean", "the mean of the elements along dimensions, of all by default");
  row.gradient = gradient_mean;
  row.evaluate = evaluate_mean;
  return row;
}

OpInfo amax() {
  OpInfo row = reduction(Op::amax, "amax", "the largest element along dimensions, of all by default");
  row.gradient = gradient_amax;
  row.evaluate = evaluate_amax;
  return row;
}

}  // namespace ops
}  // namespace rnc
