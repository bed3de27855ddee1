// Reductions along dimensions, and softmax.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ir/onnx/elementwise.h"
#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/view.h"

namespace rnc::onnx {
namespace {

// Which dimensions, as axes of the operations; an attribute that became an operand with opset 18, of ReduceSum with 13.
// None: all, unless noop_with_empty_axes says none.
struct Reduction {
  std::vector<int64_t> axes;
  bool keepdims = true;
};

Reduction reduction_of(const Call& call, int64_t rank) {
  Reduction reduction{call.integers_of(1, "axes"), call.integer("keepdims", 1) != 0};
  for (int64_t& axis : reduction.axes) axis = call.axis(axis, rank);
  std::ranges::sort(reduction.axes);
  if (std::ranges::adjacent_find(reduction.axes) != reduction.axes.end())
    call.refuse("an axis is named twice");
  if (!reduction.axes.empty() || call.integer("noop_with_empty_axes", 0) != 0) return reduction;
  reduction.axes.resize(static_cast<size_t>(rank));
  std::iota(reduction.axes.begin(), reduction.axes.end(), 0);
  return reduction;
}

bool is_of_maps(const Reduction& reduction, int rank) {
  return rank == 4 && reduction.keepdims && reduction.axes == std::vector<int64_t>{2, 3};
}

// Before the operation (|x|, x^2, ...), and what its result becomes; both may be nothing.
using Step = ValueId (*)(Call& call, ValueId v);

ValueId absolute(Call& call, ValueId v) { return call.emit(Op::abs, {v}); }
ValueId squared(Call& call, ValueId v) { return call.emit(Op::square, {v}); }
ValueId root(Call& call, ValueId v) { return call.emit(Op::sqrt, {v}); }
ValueId logarithm(Call& call, ValueId v) { return call.emit(Op::log, {v}); }
ValueId negative(Call& call, ValueId v) { return call.emit(Op::mul, {v, call.number(-1)}); }
ValueId same(Call&, ValueId v) { return v; }

template <Op op, Step before = same, Step after = same>
Values reduce(Call& call) {
  const ValueId x = before(call, call.value(0));
  const int rank = call.type(x).rank();
  const Reduction reduction = reduction_of(call, rank);
  if (reduction.axes.empty()) return one(after(call, x));
  if (op == Op::mean && is_of_maps(reduction, rank))
    return one(after(call, call.result(Op::global_avg_pool, {x})));
  return one(after(call, call.reduced(op, x, reduction.axes, reduction.keepdims)));
}

// From the largest, so that nothing overflows.
Values log_sum_exp(Call& call) {
  const ValueId x = call.value(0);
  const Reduction reduction = reduction_of(call, call.type(x).rank());
  if (reduction.axes.empty()) return one(x);
  const ValueId most = call.reduced(Op::amax, x, reduction.axes);
  const ValueId shifted = call.emit(Op::exp, {call.emit(Op::sub, {x, most})});
  const ValueId sum = call.emit(Op::log, {call.reduced(Op::sum, shifted, reduction.axes)});
  const ValueId y = call.emit(Op::add, {sum, most});
  if (reduction.keepdims) return one(y);
  Sizes to;
  for (int64_t d = 0; d < call.type(x).rank(); ++d)
    if (!std::ranges::binary_search(reduction.axes, d))
      to.push_back(size_of(call.type(x).shape[static_cast<size_t>(d)]));
  return one(call.reshaped(y, to));
}

// The place of the largest element, i32; of the smallest, that of the largest of the negative ones.
template <Step before = same>
Values place(Call& call) {
  const ValueId x = before(call, call.value(0));
  const int64_t axis = call.axis(call.integer("axis", 0), call.type(x).rank());
  const bool keepdims = call.integer("keepdims", 1) != 0, last = call.integer("select_last_index", 0) != 0;
  return one(
      call.result(Op::argmax, {x}, attributes({{"axis", axis}, {"keepdims", keepdims}, {"last", last}})));
}

// Of sizes: all elements of a vector.
template <std::optional<Size> (*combine)(const Size&, const Size&)>
Folded fold_whole(const Call& call) {
  const Constant& x = *call.constant(0);
  const Reduction reduction = reduction_of(call, static_cast<int64_t>(x.shape.size()));
  if (x.is_real || x.whole.empty() || reduction.axes.size() != x.shape.size()) return {};
  Size result = x.whole[0];
  for (size_t i = 1; i < x.whole.size(); ++i) {
    const auto next = combine(result, x.whole[i]);
    if (!next) return {};
    result = *next;
  }
  return whole_numbers(reduction.keepdims ? std::vector<int64_t>(x.shape.size(), 1) : std::vector<int64_t>(),
                       {result});
}

Values only_known(Call& call) { call.refuse("of what depends on the inputs of the model"); }

// --- Softmax: until opset 12 along all dimensions from the axis on, then along the axis

Values softmax_moved(Call& call, Op op) {
  const View x = view_of(call, 0);
  const auto rank = static_cast<int64_t>(x.groups.size());
  const int64_t axis = call.axis(call.integer("axis", call.opset() >= 13 ? -1 : 1), rank);
  if (call.opset() < 13 && axis + 1 != rank) call.refuse("along several dimensions");
  const int64_t place = single_axis(call, x, axis);
  return {settled(call, {call.result(op, {x.node}, attributes({{"axis", place}})), x.groups})};
}

template <Op op>
Values softmax(Call& call) {
  if (call.is_moved(0)) return softmax_moved(call, op);
  const ValueId x = call.value(0);
  const Shape shape = call.type(x).shape;
  const bool along_one = call.opset() >= 13;
  const int64_t axis =
      call.axis(call.integer("axis", along_one ? -1 : 1), static_cast<int64_t>(shape.size()));
  if (axis == 0 && has_batch(shape)) call.refuse("along the batch");
  const bool is_last = axis + 1 == static_cast<int64_t>(shape.size());
  if (axis > 0 && (along_one || is_last)) return one(call.result(op, {x}, attributes({{"axis", axis}})));
  // As rows: of values without a batch before the axis, of all the rest along it.
  const auto middle = shape.begin() + axis;
  if (along_one) {
    const ValueId rows =
        call.reshaped(x, {Size{1, 0}, Size{shape[0], 0}, Size{elements_per_sample(shape) / shape[0], 0}});
    const ValueId y = call.result(op, {rows}, attributes({{"axis", int64_t{1}}}));
    return one(call.reshaped(y, sizes_of(shape)));
  }
  const Shape front(shape.begin(), middle), rest(middle, shape.end());
  const Size before{has_batch(front) ? 0 : elements_per_sample(front),
                    has_batch(front) ? elements_per_sample(front) : 0};
  const ValueId rows = call.reshaped(x, {before, Size{elements_per_sample(rest), 0}});
  const ValueId y = call.result(op, {rows}, attributes({{"axis", int64_t{1}}}));
  return one(call.reshaped(y, sizes_of(shape)));
}

}  // namespace

std::span<const Operator> reduce_operators() {
  static constexpr Operator kRows[] = {
      {"ReduceMean", reduce<Op::mean>},
      {"ReduceSum", reduce<Op::sum>, fold_whole<sum>},
      {"ReduceProd", only_known, fold_whole<product>},
      {"ReduceMax", reduce<Op::amax>},
      {"ReduceMin", reduce<Op::amax, negative, negative>},
      {"ReduceL1", reduce<Op::sum, absolute>},
      {"ReduceL2", reduce<Op::sum, squared, root>},
      {"ReduceSumSquare", reduce<Op::sum, squared>},
      {"ReduceLogSum", reduce<Op::sum, same, logarithm>},
      {"ReduceLogSumExp", log_sum_exp},
      {"ArgMax", place},
      {"ArgMin", place<negative>},
      {"Softmax", softmax<Op::softmax>},
      {"LogSoftmax", softmax<Op::log_softmax>},
  };
  return kRows;
}

}  // namespace rnc::onnx
