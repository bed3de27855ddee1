// The same elements under another shape.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/view.h"

namespace rnc::onnx {
namespace {

Size element_count(const Call& call, const Sizes& sizes) {
  Size count{1, 0};
  for (const Size& size : sizes) {
    const auto next = product(count, size);
    if (!next) call.refuse(fmt::format("a shape of {}", str(sizes)));
    count = *next;
  }
  return count;
}

// What Reshape's second operand asks for: 0 is the operand's own size, one -1 what is left. A batch that was exported as
// a number is N where it stays the first size.
Sizes asked_shape(Call& call) {
  const Sizes from = call.shape(0);
  Sizes to = call.has(1) ? call.sizes(1, "the shape") : Sizes{};
  if (!call.has(1))
    for (const int64_t size : call.integers("shape")) to.push_back({size, 0});
  const bool keeps_zeros = call.integer("allowzero", 0) != 0;
  for (size_t i = 0; i < to.size(); ++i)
    if (to[i] == Size{0, 0} && !keeps_zeros && i < from.size()) to[i] = from[i];
  const int64_t exported = call.context().exported_batch;
  const bool is_batched = !from.empty() && from[0] == Size{0, 1};
  const bool names_batch = std::ranges::any_of(to, [](const Size& size) { return !size.fixed(); });
  if (is_batched && exported > 0 && !names_batch && !to.empty() && to[0] == Size{exported, 0})
    to[0] = from[0];
  const auto open = std::ranges::find(to, Size{-1, 0});
  if (open == to.end()) return to;
  *open = {1, 0};
  const auto left = quotient(element_count(call, from), element_count(call, to));
  if (!left) call.refuse(fmt::format("{} does not become {} with one size left open", str(from), str(to)));
  *open = *left;
  return to;
}

// Of dimensions that are one element wide.
Sizes squeezed_shape(Call& call) {
  const Sizes from = call.shape(0);
  std::set<int64_t> axes;
  for (const int64_t axis : call.integers_of(1, "axes"))
    axes.insert(call.axis(axis, static_cast<int64_t>(from.size())));
  Sizes to;
  for (size_t d = 0; d < from.size(); ++d) {
    const bool goes = axes.empty() ? from[d] == Size{1, 0} : axes.contains(static_cast<int64_t>(d));
    if (goes && from[d] != Size{1, 0}) call.refuse(fmt::format("dimension {} of {} is not 1", d, str(from)));
    if (!goes) to.push_back(from[d]);
  }
  return to;
}

Sizes unsqueezed_shape(Call& call) {
  Sizes from = call.shape(0);
  const std::vector<int64_t> given = call.integers_of(1, "axes");
  const auto rank = static_cast<int64_t>(from.size() + given.size());
  std::set<int64_t> axes;
  for (const int64_t axis : given) axes.insert(call.axis(axis, rank));
  if (axes.size() != given.size()) call.refuse("an axis is named twice");
  for (const int64_t axis : axes) from.insert(from.begin() + axis, Size{1, 0});
  return from;
}

Sizes flat_shape(Call& call) {
  const Sizes from = call.shape(0);
  const auto rank = static_cast<int64_t>(from.size());
  const int64_t given = call.integer("axis", 1), axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis > rank) call.refuse(fmt::format("axis {} is none of {} dimensions", given, rank));
  const auto middle = from.begin() + axis;
  return {element_count(call, {from.begin(), middle}), element_count(call, {middle, from.end()})};
}

template <Sizes (*shape)(Call&)>
Values reshape(Call& call) {
  const Sizes to = shape(call), from = call.shape(0);
  const Size batch{0, 1};
  const bool keeps_batch = (!from.empty() && from[0] == batch) == (!to.empty() && to[0] == batch);
  if (call.is_moved(0) || !keeps_batch || !shape_of(to))
    return {settled(call, regrouped(call, view_of(call, 0, TensorKind::parameter), to))};
  return one(call.reshaped(call.value(0, TensorKind::parameter), to));
}
// A constant's elements under the shape.
template <Sizes (*shape)(Call&)>
Folded fold_reshape(const Call& given) {
  Call call = given;
  Constant result = *call.constant(0);
  std::vector<int64_t> to;
  for (const Size& size : shape(call)) {
    if (!size.fixed()) return {};
    to.push_back(size.number);
  }
  if (elements_of(to) != result.elements()) return {};
  result.shape = std::move(to);
  result.tensor.clear();
  return result;
}

}  // namespace

std::span<const Operator> reshape_operators() {
  static constexpr Operator kRows[] = {
      {"Reshape", reshape<asked_shape>, fold_reshape<asked_shape>},
      {"Squeeze", reshape<squeezed_shape>, fold_reshape<squeezed_shape>},
      {"Unsqueeze", reshape<unsqueezed_shape>, fold_reshape<unsqueezed_shape>},
      {"Flatten", reshape<flat_shape>, fold_reshape<flat_shape>},
  };
  return kRows;
}

}  // namespace rnc::onnx
