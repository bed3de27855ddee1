// The same elements in another order, or several times.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/view.h"

namespace rnc::onnx {
namespace {

// What training may change stays a parameter when it is moved.
ValueId parameter(Call& call) { return call.value(0, TensorKind::parameter); }

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
  const Sizes shape = call.shape(0);
  const std::vector<int64_t> order = order_of(call, shape.size());
  const bool moves = call.is_moved(0) || (!order.empty() && order[0] != 0 && shape[0] == Size{0, 1});
  if (moves) return {settled(call, reordered(view_of(call, 0), order))};
  return one(call.permuted(parameter(call), order));
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
  ValueId x = parameter(call);
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
  if (copy.is_weight() && !copy.is_new)
    copy.tensor = call.context().free_name(plain_name(call.node().output(0)));
  return one(std::move(copy));
}
Folded fold_identity(const Call& call) { return *call.constant(0); }

}  // namespace

std::span<const Operator> movement_operators() {
  static constexpr Operator kRows[] = {
      {"Transpose", transpose, fold_transpose},
      {"DepthToSpace", depth_to_space},
      {"SpaceToDepth", space_to_depth},
      {"Expand", expand, fold_expand},
      {"Tile", tile},
      {"Identity", identity, fold_identity, kEachElement},
  };
  return kRows;
}

}  // namespace rnc::onnx
