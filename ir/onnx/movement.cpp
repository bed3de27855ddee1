// The same elements under another shape, or in another order of dimensions.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"

namespace rnc::onnx {
namespace {

// What training may change stays a parameter when it is moved.
ValueId moved(Call& call) { return call.value(0, TensorKind::parameter); }

// --- Shapes

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
  const Sizes to = shape(call);
  return one(call.reshaped(moved(call), to));
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

// --- Order

std::vector<int64_t> order_of(const Call& call, size_t rank) {
  std::vector<int64_t> order = call.integers("perm");
  if (order.empty())
    for (size_t d = rank; d-- > 0;) order.push_back(static_cast<int64_t>(d));
  std::vector<int64_t> sorted = order, all(rank);
  std::ranges::sort(sorted);
  std::iota(all.begin(), all.end(), 0);
  if (sorted != all) call.refuse(fmt::format("perm does not name each of {} dimensions once", rank));
  return order;
}

Values transpose(Call& call) {
  const ValueId x = moved(call);
  return one(call.permuted(x, order_of(call, call.type(x).shape.size())));
}

Folded fold_transpose(const Call& call) {
  const Constant& x = *call.constant(0);
  const std::vector<int64_t> order = order_of(call, x.shape.size());
  std::vector<int64_t> strides(x.shape.size(), 1), shape;
  for (size_t d = x.shape.size(); d-- > 1;) strides[d - 1] = strides[d] * x.shape[d];
  for (const int64_t d : order) shape.push_back(x.shape[static_cast<size_t>(d)]);
  std::vector<int64_t> places;
  for (int64_t i = 0; i < elements_of(shape).value_or(0); ++i) {
    int64_t place = 0, rest = i;
    for (size_t d = shape.size(); d-- > 0; rest /= shape[d])
      place += rest % shape[d] * strides[static_cast<size_t>(order[d])];
    places.push_back(place);
  }
  return picked(x, places, shape);
}

// Squares of channels as pixels: DCR takes the squares' places for the outer part of the channels, CRD for the inner.
Values depth_to_space(Call& call) {
  const ValueId x = call.value(0);
  const Shape s = call.type(x).shape;
  const int64_t b = call.integer("blocksize", 0);
  if (s.size() != 4 || b < 1 || b > 1024 || s[1] % (b * b) != 0)
    call.refuse(fmt::format("blocks of {} of {}", b, rnc::str(s)));
  const bool outer = call.string("mode", "DCR") == "DCR";
  const Size n = size_of(s[0]), c{s[1] / (b * b), 0}, k{b, 0}, h{s[2], 0}, w{s[3], 0};
  const ValueId parts = call.reshaped(x, outer ? Sizes{n, k, k, c, h, w} : Sizes{n, c, k, k, h, w});
  const ValueId turned = call.permuted(parts, outer ? Shape{0, 3, 4, 1, 5, 2} : Shape{0, 1, 4, 2, 5, 3});
  return one(call.reshaped(turned, {n, c, {s[2] * b, 0}, {s[3] * b, 0}}));
}

Values space_to_depth(Call& call) {
  const ValueId x = call.value(0);
  const Shape s = call.type(x).shape;
  const int64_t b = call.integer("blocksize", 0);
  if (s.size() != 4 || b < 1 || b > 1024 || s[2] % b != 0 || s[3] % b != 0)
    call.refuse(fmt::format("blocks of {} of {}", b, rnc::str(s)));
  const Size n = size_of(s[0]), c{s[1], 0}, k{b, 0}, h{s[2] / b, 0}, w{s[3] / b, 0};
  const ValueId turned = call.permuted(call.reshaped(x, {n, c, h, k, w, k}), {0, 3, 5, 1, 2, 4});
  return one(call.reshaped(turned, {n, {s[1] * b * b, 0}, h, w}));
}

// --- More of the same

// As many ones as are asked for, which the operand is multiplied with: it spreads over them.
Values expand(Call& call) {
  const Sizes asked = call.sizes(1, "the shape");
  ValueId x = moved(call);
  const Shape from = call.type(x).shape;
  std::vector<int64_t> ones;
  bool batch = false;
  const bool is_batched = has_batch(from) && asked.size() == from.size();
  for (size_t d = 0; d < asked.size(); ++d) {
    // The exported batch, over what has one sample.
    const bool is_exported = d == 0 && !is_batched && asked[d] == Size{call.exported_batch(), 0} &&
                             (from.size() < asked.size() || from[0] == 1);
    const bool is_batch = is_exported || (d == 0 && asked[d] == Size{0, 1});
    if (!is_batch && !asked[d].fixed()) call.refuse(fmt::format("a shape of {}", str(asked)));
    batch |= is_batch && !is_batched;
    const bool stays = d == 0 && is_batched && asked[d] == Size{call.context().exported_batch, 0};
    ones.push_back(is_batch || stays ? 1 : asked[d].number);
  }
  if (batch)
    x = call.emit(Op::mul, spread(call, {x, call.context().ones_of_batch(static_cast<int>(asked.size()))}));
  const bool all_ones = std::ranges::count(ones, 1) == static_cast<std::ptrdiff_t>(ones.size());
  if (all_ones && ones.size() <= static_cast<size_t>(call.type(x).rank())) return one(x);
  return one(call.emit(Op::mul, spread(call, {x, call.context().numbers(reals(ones, {1}))})));
}

Folded fold_expand(const Call& call) {
  const Constant& x = *call.constant(0);
  std::vector<int64_t> asked;
  for (const Size& size : call.constant(1)->whole) {
    if (!size.fixed()) return {};
    asked.push_back(size.number);
  }
  const auto shape = spread_of(x.shape, asked);
  return shape ? Folded(picked(x, spread_places(x.shape, *shape), *shape)) : Folded();
}

Values tile(Call& call) {
  constexpr int64_t kMost = 1024;  // operands of concat
  const std::vector<int64_t> repeats = call.numbers(1, "the repeats");
  ValueId x = call.value(0);
  if (repeats.size() != call.type(x).shape.size()) call.refuse("as many repeats as dimensions are needed");
  for (size_t d = 0; d < repeats.size(); ++d) {
    if (repeats[d] == 1) continue;
    const bool is_batch = call.type(x).shape[d] == kBatch;
    if (is_batch || repeats[d] < 1 || repeats[d] > kMost)
      call.refuse(fmt::format("{} repeats along dimension {}", repeats[d], d));
    x = call.concatenated(std::vector(static_cast<size_t>(repeats[d]), x), static_cast<int64_t>(d));
  }
  return one(x);
}

// --- Nothing at all

// A second name for an initializer, which torch.onnx gives parameters that are equal: a parameter of its own.
Values identity(Call& call) {
  const Constant* given = call.constant(0);
  if (given == nullptr) return one(call.value(0));
  Constant copy = *given;
  if (copy.is_weight()) copy.tensor = call.context().free_name(plain_name(call.node().output(0)));
  return one(std::move(copy));
}
Folded fold_identity(const Call& call) { return *call.constant(0); }

}  // namespace

std::span<const Operator> movement_operators() {
  static constexpr Operator kRows[] = {
      {"Reshape", reshape<asked_shape>, fold_reshape<asked_shape>},
      {"Squeeze", reshape<squeezed_shape>, fold_reshape<squeezed_shape>},
      {"Unsqueeze", reshape<unsqueezed_shape>, fold_reshape<unsqueezed_shape>},
      {"Flatten", reshape<flat_shape>, fold_reshape<flat_shape>},
      {"Transpose", transpose, fold_transpose},
      {"DepthToSpace", depth_to_space},
      {"SpaceToDepth", space_to_depth},
      {"Expand", expand, fold_expand},
      {"Tile", tile},
      {"Identity", identity, fold_identity},
  };
  return kRows;
}

}  // namespace rnc::onnx
