// Parts of values along their dimensions.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/view.h"

namespace rnc::onnx {
namespace {

// Elements [begin, end) in steps along an axis.
struct Range {
  int64_t axis = 0, begin = 0, end = 0, step = 1;
  int64_t count() const { return std::max<int64_t>(0, (end - begin + step + (step > 0 ? -1 : 1)) / step); }
};

// Bounds count from the end if negative, and are clamped; attributes became operands with opset 10.
std::vector<Range> ranges_of(Call& call) {
  const bool operands = call.opset() >= 10;
  const Sizes shape = call.shape(0);
  const auto starts = operands ? call.sizes(1, "starts") : Sizes{};
  const auto ends = operands ? call.sizes(2, "ends") : Sizes{};
  const auto from = call.integers("starts"), to = call.integers("ends");
  auto axes = operands && call.has(3) ? call.numbers(3, "axes") : call.integers("axes");
  const auto steps = operands && call.has(4) ? call.numbers(4, "steps") : std::vector<int64_t>{};
  const size_t count = operands ? starts.size() : from.size();
  if (axes.empty()) {
    axes.resize(count);
    std::iota(axes.begin(), axes.end(), 0);
  }
  const bool agree = (operands ? ends.size() : to.size()) == count && axes.size() == count;
  if (!agree || (!steps.empty() && steps.size() != count))
    call.refuse("starts, ends and axes that do not agree");
  std::vector<Range> ranges;
  for (size_t i = 0; i < count; ++i) {
    const int64_t axis = call.axis(axes[i], static_cast<int64_t>(shape.size()));
    const Size begin = operands ? starts[i] : Size{from[i], 0}, end = operands ? ends[i] : Size{to[i], 0};
    const Size size = shape[static_cast<size_t>(axis)];
    Range range{axis, begin.number, end.number, steps.empty() ? 1 : steps[i]};
    constexpr int64_t kMostStep = int64_t{1} << 31;
    if (range.step == 0) call.refuse("a step of 0");
    range.step = std::clamp(range.step, -kMostStep, kMostStep);
    const bool is_whole = begin == Size{} && range.step == 1 &&
                          (end == size || (end.fixed() && end.number >= std::numeric_limits<int32_t>::max()));
    if (is_whole) continue;
    if (!size.fixed()) call.refuse("it would take a part of the batch");
    if (!begin.fixed() || !end.fixed()) call.refuse("bounds that depend on the batch");
    const int64_t n = size.number, least = range.step > 0 ? 0 : -1, most = range.step > 0 ? n : n - 1;
    if (range.begin < 0) range.begin += n;
    range.begin = std::clamp(range.begin, int64_t{0}, most);
    if (range.end < 0) range.end = range.end < -n ? -1 : range.end + n;
    range.end = std::clamp(range.end, least, n);
    ranges.push_back(range);
  }
  return ranges;
}

// Every other element: of a map, what a pool over one element at this stride has; along other dimensions the first of the
// rows of `step` elements, of which the last may be filled up.
ValueId strided(Call& call, ValueId x, const Range& range) {
  const Shape shape = call.type(x).shape;
  if (range.axis < 1) call.refuse(fmt::format("steps of {} along axis {}", range.step, range.axis));
  if (shape.size() == 4 && range.axis >= 2) {
    std::vector<int64_t> stride = {1, 1};
    stride[static_cast<size_t>(range.axis - 2)] = range.step;
    return call.emit(Op::max_pool, {x},
                     attributes({{"kernel", std::vector<int64_t>{1, 1}}, {"stride", stride}}));
  }
  const auto axis = static_cast<size_t>(range.axis);
  const int64_t rows = (shape[axis] + range.step - 1) / range.step, missing = rows * range.step - shape[axis];
  if (missing > 0)
    x = call.emit(Op::pad_axis, {x},
                  attributes({{"axis", range.axis}, {"before", int64_t{0}}, {"after", missing}}));
  Sizes sizes = sizes_of(shape);
  sizes[axis].number = rows;
  Sizes with_rows = sizes;
  with_rows.insert(with_rows.begin() + range.axis + 1, Size{range.step, 0});
  return call.reshaped(call.sliced(call.reshaped(x, with_rows), range.axis + 1, 0, 1), sizes);
}

Values slice(Call& call) {
  View x = view_of(call, 0, TensorKind::parameter);
  for (Range range : ranges_of(call)) {
    if (range.count() == 0) call.refuse("of no elements");
    if (range.count() == 1) range = {range.axis, range.begin, range.begin + 1, 1};
    if (range.step < 0) call.refuse(fmt::format("steps of {}", range.step));
    x.node = call.sliced(x.node, single_axis(call, x, range.axis), range.begin, range.end);
    if (range.step != 1 && call.is_moved(0)) call.refuse("steps of values whose batch is not in front");
    if (range.step != 1) x.node = strided(call, x.node, range);
  }
  return {settled(call, x)};
}

Folded fold_slice(const Call& given) {
  Call call = given;
  Constant x = *call.constant(0);
  for (const Range& range : ranges_of(call)) {
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < range.count(); ++i) indices.push_back(range.begin + i * range.step);
    x = taken(x, range.axis, indices);
  }
  x.tensor.clear();
  return x;
}

}  // namespace

std::span<const Operator> slice_operators() {
  static constexpr Operator kRows[] = {
      {"Slice", slice, fold_slice},
  };
  return kRows;
}

}  // namespace rnc::onnx
