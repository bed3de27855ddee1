// Operations on views.
#include <fmt/format.h>

#include <algorithm>

#include "ir/onnx/view.h"

namespace rnc::onnx {
namespace {

// The node's dimensions in this order.
View permuted(Call& call, const View& view, const std::vector<int64_t>& order) {
  if (order.empty() || order[0] != 0)
    call.refuse(fmt::format("the batch of {} moves", str(sizes_of(call, view))));
  std::vector<int64_t> places(order.size());
  for (size_t i = 0; i < order.size(); ++i) places[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return {call.permuted(view.node, order), renumbered(view.groups, places)};
}

// Dimensions before the matrices, rows and columns, each of the latter as one of the node's.
View as_matrices(Call& call, const View& view) {
  if (view.groups.size() < 2) call.refuse("an operand that is a vector");
  View result = permuted(call, view, flat(view.groups));
  const Shape shape = call.type(result.node).shape;
  Sizes sizes;
  for (size_t g = 0; g < result.groups.size(); ++g) {
    const bool is_of_matrix = g + 2 >= result.groups.size();
    Size all = kOne;
    for (const int64_t axis : result.groups[g]) {
      const Size size = size_of(shape[static_cast<size_t>(axis)]);
      if (!is_of_matrix) sizes.push_back(size);
      all.number *= size.number;
      if (is_of_matrix && !size.fixed()) call.refuse("matrices with the batch in them");
    }
    if (!is_of_matrix) continue;
    result.groups[g] = {static_cast<int64_t>(sizes.size())};
    sizes.push_back(all);
  }
  return {call.reshaped(result.node, sizes), result.groups};
}

}  // namespace

View with_last_axis(Call& call, const View& view) {
  std::vector<int64_t> order;
  const std::vector<int64_t> last = view.groups.at(view.groups.size() - 1);
  const auto count = static_cast<int64_t>(call.type(view.node).shape.size());
  for (int64_t axis = 0; axis < count; ++axis)
    if (std::ranges::find(last, axis) == last.end()) order.push_back(axis);
  const size_t others = order.size();
  order.insert(order.end(), last.begin(), last.end());
  if (last.size() == 1 && last[0] == count - 1) return view;
  View result = permuted(call, view, order);
  const Sizes all = sizes_of(call.type(result.node).shape);
  Sizes sizes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(others));
  sizes.push_back(sizes_of(call, view).back());
  result.groups.back() = {static_cast<int64_t>(others)};
  return {call.reshaped(result.node, sizes), result.groups};
}

ValueId beside(Call& call, const View& value, const View& view) {
  if (value.groups == view.groups && call.type(value.node).shape == call.type(view.node).shape)
    return value.node;
  if (value.groups.empty()) return value.node;
  const Shape shape = call.type(view.node).shape;
  if (has_batch(call.type(value.node).shape) || value.groups.size() > view.groups.size())
    call.refuse(fmt::format("{} beside {}", str(sizes_of(call, value)), str(sizes_of(call, view))));
  const Sizes given = sizes_of(call, value), wanted = sizes_of(call, view);
  const size_t missing = wanted.size() - given.size();
  Sizes parts;
  for (size_t d = 0; d < wanted.size(); ++d) {
    const bool spreads = d < missing || given[d - missing] == kOne;
    if (!spreads && given[d - missing] != wanted[d])
      call.refuse(fmt::format("{} does not spread over {}", str(given), str(wanted)));
    for (const int64_t axis : view.groups[d])
      parts.push_back(spreads ? kOne : size_of(shape[static_cast<size_t>(axis)]));
  }
  const std::vector<int64_t> axes = flat(view.groups);
  std::vector<int64_t> order(axes.size());
  for (size_t i = 0; i < axes.size(); ++i) order[static_cast<size_t>(axes[i])] = static_cast<int64_t>(i);
  return call.permuted(call.reshaped(value.node, parts), order);
}

View matrix_product(Call& call, const View& a, const View& b) {
  const View x = as_matrices(call, a), y = as_matrices(call, b);
  return {call.result(Op::matmul, {x.node, y.node}), x.groups};
}

}  // namespace rnc::onnx
