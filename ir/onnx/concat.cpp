// Values cut into parts, and values put together.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/view.h"

namespace rnc::onnx {
namespace {

// Whether all parts along the first dimension are the same.
bool repeats_first(const Constant& x) {
  const auto count = static_cast<size_t>(x.elements() / std::max<int64_t>(1, x.shape[0]));
  for (size_t i = count; i < static_cast<size_t>(x.elements()); ++i)
    if (x.is_real ? (*x.reals)[i] != (*x.reals)[i - count] : x.whole[i] != x.whole[i - count]) return false;
  return true;
}

// The sizes of the parts: an attribute until opset 13, or equal ones but for the last.
std::vector<int64_t> parts_of(const Call& call, int64_t size) {
  const std::vector<int64_t> given = call.integers_of(1, "split");
  if (!given.empty()) {
    if (std::accumulate(given.begin(), given.end(), int64_t{0}) != size || std::ranges::min(given) < 1)
      call.refuse(fmt::format("parts that do not make up {} elements", size));
    return given;
  }
  const int64_t count = std::max(1, call.node().output_size()), each = (size + count - 1) / count;
  std::vector<int64_t> parts(static_cast<size_t>(count), each);
  parts.back() = size - each * (count - 1);
  if (parts.back() < 1) call.refuse(fmt::format("{} parts of {} elements", count, size));
  return parts;
}

Values split(Call& call) {
  const Sizes shape = call.shape(0);
  const int64_t axis = call.axis(call.integer("axis", 0), static_cast<int64_t>(shape.size()));
  const Size size = shape[static_cast<size_t>(axis)];
  if (!size.fixed()) call.refuse("it would take a part of the batch");
  const Constant* known = call.constant(0);
  Values results;
  int64_t begin = 0;
  for (const int64_t part : parts_of(call, size.number)) {
    std::vector<int64_t> indices(static_cast<size_t>(part));
    std::iota(indices.begin(), indices.end(), begin);
    const bool folds = known != nullptr && !known->is_weight();
    if (folds) results.push_back({.constant = taken(*known, axis, indices)});
    if (!folds) {
      const View x = view_of(call, 0, TensorKind::parameter);
      results.push_back(
          settled(call, {call.sliced(x.node, single_axis(call, x, axis), begin, begin + part), x.groups}));
    }
    begin += part;
  }
  return results;
}

// Beside values with a batch, one that is the same for each sample: it has one sample, or the exported batch's, all equal.
ValueId for_each_sample(Call& call, size_t i, const Shape& like) {
  const ValueId v = call.value(i, TensorKind::parameter);
  const Shape& shape = call.type(v).shape;
  const bool is_batched = has_batch(shape) || shape.size() != like.size();
  if (is_batched || (shape[0] != 1 && shape[0] != call.exported_batch())) return v;
  ValueId sample = v;
  if (const Constant* all = call.constant(i); shape[0] != 1) {
    if (all == nullptr || !repeats_first(*all)) return v;
    Constant first = taken(*all, 0, {0});
    first.tensor = all->tensor;
    sample = first.is_weight() ? call.context().tensor(first, TensorKind::parameter)
                               : call.context().numbers(first);
  }
  return call.emit(Op::mul, {call.context().ones_of_batch(static_cast<int>(shape.size())), sample});
}

Values concat(Call& call) {
  if (call.count() == 0) call.refuse("of nothing");
  Shape like;
  for (size_t i = 0; i < call.count(); ++i)
    if (const auto shape = shape_of(call.shape(i)); shape && has_batch(*shape)) like = *shape;
  std::vector<ValueId> operands;
  for (size_t i = 0; i < call.count(); ++i)
    operands.push_back(like.empty() ? call.value(i, TensorKind::parameter) : for_each_sample(call, i, like));
  const auto rank = static_cast<int64_t>(call.type(operands[0]).shape.size());
  const int64_t axis = call.axis(call.integer("axis", 1), rank);
  if (axis == 0 && !like.empty()) call.refuse("along the batch");
  return one(call.concatenated(std::move(operands), axis));
}

// Adds the elements that belong to one place of the dimensions before the axis, `size` of them.
template <class Elements>
void append_block(const Elements& from, int64_t number, int64_t size, Elements& to) {
  to.insert(to.end(), from.begin() + number * size, from.begin() + (number + 1) * size);
}

Folded fold_concat(const Call& call) {
  const Constant& first = *call.constant(0);
  const int64_t axis = call.axis(call.integer("axis", 1), static_cast<int64_t>(first.shape.size()));
  std::vector<int64_t> shape = first.shape;
  int64_t& along = shape[static_cast<size_t>(axis)];
  for (size_t i = 1; i < call.count(); ++i) {
    const Constant& part = *call.constant(i);
    if (part.is_real != first.is_real || part.shape.size() != shape.size()) return {};
    if (__builtin_add_overflow(along, part.shape[static_cast<size_t>(axis)], &along)) return {};
    for (size_t d = 0; d < shape.size(); ++d)
      if (static_cast<int64_t>(d) != axis && part.shape[d] != shape[d]) return {};
  }
  if (!elements_of(shape)) return {};
  const std::vector<int64_t> before(shape.begin(), shape.begin() + axis);
  const int64_t outer = elements_of(before).value_or(0);
  std::vector<float> values;
  Sizes whole;
  for (int64_t o = 0; o < outer; ++o)
    for (size_t i = 0; i < call.count(); ++i) {
      const Constant& part = *call.constant(i);
      const int64_t size = part.elements() / std::max<int64_t>(1, outer);
      if (part.is_real) append_block(*part.reals, o, size, values);
      if (!part.is_real) append_block(part.whole, o, size, whole);
    }
  return first.is_real ? reals(shape, std::move(values)) : whole_numbers(shape, std::move(whole));
}

}  // namespace

std::span<const Operator> concat_operators() {
  static constexpr Operator kRows[] = {{"Split", split}, {"Concat", concat, fold_concat}};
  return kRows;
}

}  // namespace rnc::onnx
