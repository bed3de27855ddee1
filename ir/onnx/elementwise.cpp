#include "ir/onnx/elementwise.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/onnx/view.h"
#include "ir/ops/spread.h"

namespace rnc::onnx {
namespace {

Shape with_rank(Shape shape, size_t rank) {
  shape.insert(shape.begin(), rank - shape.size(), 1);
  return shape;
}

// Whether an operand, once it has all dimensions, has elements along the channels alone.
bool is_per_channel(const Shape& shape) {
  for (size_t d = 0; d < shape.size(); ++d)
    if (d != 1 && shape[d] != 1) return false;
  return shape.size() > 1 && shape[1] > 1;
}

}  // namespace

std::vector<ValueId> spread(Call& call, std::vector<ValueId> operands) {
  size_t rank = 0;
  for (const ValueId v : operands) rank = std::max(rank, call.type(v).shape.size());
  Shape result(rank, 1);
  for (const ValueId v : operands) {
    const Shape shape = with_rank(call.type(v).shape, rank);
    const auto both = spread_shape(result, shape);
    if (!both) call.refuse(fmt::format("{} does not spread over {}", rnc::str(shape), rnc::str(result)));
    result = *both;
  }
  // A vector stands for channels only beside an operand that has them.
  const auto has_all_channels = [&](ValueId v) {
    const Shape& shape = call.type(v).shape;
    return shape.size() == rank && rank > 1 && shape[1] == result[1] && !is_per_channel(shape);
  };
  const bool has_channels = std::ranges::any_of(operands, has_all_channels);
  for (ValueId& v : operands) {
    const Shape given = call.type(v).shape;
    if (given.empty()) continue;
    if (has_batch(given) && given.size() < rank)
      call.refuse(
          fmt::format("the batch of {} meets another dimension of {}", rnc::str(given), rnc::str(result)));
    const Shape shape = with_rank(given, rank);
    const bool is_scalar = std::ranges::count(shape, 1) == static_cast<std::ptrdiff_t>(rank);
    if (is_scalar && result != shape)
      v = call.reshaped(v, {});
    else if (has_channels && is_per_channel(shape))
      v = call.reshaped(v, {Size{shape[1], 0}});
    else
      v = call.reshaped(v, sizes_of(shape));
  }
  return operands;
}

namespace {

// All beside the first operand whose batch is not in front.
Values elementwise_moved(Call& call, Op op, TensorKind kind) {
  size_t first = 0;
  while (!call.is_moved(first)) ++first;
  const View like = view_of(call, first);
  std::vector<ValueId> operands;
  for (size_t i = 0; i < call.count(); ++i) operands.push_back(beside(call, view_of(call, i, kind), like));
  return {settled(call, {call.result(op, std::move(operands)), like.groups})};
}

}  // namespace

Values elementwise(Call& call, Op op, TensorKind kind) {
  if (call.has_attribute("broadcast")) call.refuse("operands that spread as before opset 7");
  for (size_t i = 0; i < call.count(); ++i)
    if (call.is_moved(i)) return elementwise_moved(call, op, kind);
  std::vector<ValueId> operands;
  for (size_t i = 0; i < call.count(); ++i) operands.push_back(call.value(i, kind));
  return one(call.result(op, spread(call, std::move(operands))));
}

}  // namespace rnc::onnx
