// Sums and largest elements along dimensions, in the form that pass decompose_reductions leaves. Sums over each channel
// of each image are part of elementwise kernels; those over the channels of each pixel read channel blocks.
//
// All others are of plain values: a task makes the results of one index of the kept dimensions before the last, sums
// in f64, with lanes along the last dimension.
#include "ir/ops/reduce.h"

#include <algorithm>
#include <limits>

#include "passes/lower/fused.h"
#include "passes/lower/rules.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// The sum or the largest of elements, in lanes.
class Accumulator {
 public:
  Accumulator(Body& body, bool sums, int lanes)
      : sums_(sums), lanes_(lanes), scalar_(sums ? Scalar::f64 : Scalar::f32) {
    memory_ = body.alloc("acc", scalar_, {lanes}, loops::Space::registers);
    const double start = sums ? 0 : -std::numeric_limits<double>::infinity();
    body.store(memory_, {0}, loops::constant(scalar_, start, lanes), lanes > 1 ? 0 : -1);
  }
  // Lanes from `valid` on are left out, where it is given.
  void add(Body& body, const Expr& value, const Expr& valid) {
    const int dim = lanes_ > 1 ? 0 : -1;
    const Expr old = lanes_ > 1 ? loaded(memory_, {0}, lanes_, 0) : loaded(memory_, {0});
    if (sums_) return body.store(memory_, {0}, old + loops::cast(value, scalar_), dim);
    Expr candidate = value;
    if (valid) {  // beyond are zeros, which are no candidates: -inf
      const Expr one = loops::mask(loops::constant(scalar_, 1, lanes_), valid);
      const double least = -std::numeric_limits<double>::infinity();
      candidate = loops::select(loops::less(loops::constant(scalar_, 0, lanes_), one), value,
                                loops::constant(scalar_, least, lanes_));
    }
    body.store(memory_, {0}, larger(old, candidate), dim);
  }
  Expr lanes() const {
    return loops::cast(lanes_ > 1 ? loaded(memory_, {0}, lanes_, 0) : loaded(memory_, {0}), Scalar::f32);
  }
  // Of all lanes.
  Expr total(Body& body) const {
    if (sums_)
      return loops::cast(loops::reduce(loops::Reduce::add, loaded(memory_, {0}, lanes_, 0)), Scalar::f32);
    Expr most = loaded(memory_, {0});
    for (int lane = 1; lane < lanes_; ++lane) most = body.let("m", larger(most, loaded(memory_, {lane})));
    return most;
  }

 private:
  // Or a NaN.
  static Expr larger(const Expr& a, const Expr& b) {
    return loops::select(loops::binary(loops::Binary::ne, b, b), b, loops::select(loops::less(a, b), b, a));
  }
  bool sums_;
  int lanes_;
  Scalar scalar_;
  MemoryRef memory_;
};

class PlainReduction {
 public:
  PlainReduction(Lowering& lowering, ValueId v)
      : lowering_(lowering),
        value_(v),
        node_(lowering.node(v)),
        from_(lowering.type(node_.inputs[0])),
        kernel_(std::string(name(node_.op))),
        x_(lowering.read(kernel_, "x", node_.inputs[0])),
        y_(lowering.write(kernel_, "y", v)),
        lanes_(lowering.lanes()),
        reduced_(from_.shape.size()) {
    for (const int64_t axis : reduced_axes(node_, from_.rank())) reduced_[static_cast<size_t>(axis)] = true;
    last_ = from_.shape.size() - 1;
    while (last_ > 1 && from_.shape[last_] == 1) --last_;
  }

  void lower() {
    Body body(kernel_.names());
    read_.assign(from_.shape.size(), Expr(0));
    Extent tasks{1, 0};
    Expr rest = loops::task();
    // Task indices of the kept dimensions; the batch is outermost.
    for (size_t d = last_ + 1; d-- > 0;) {
      if (reduced_[d]) continue;
      const bool vector = d == last_;
      const int64_t size = from_.shape[d];
      const Extent count = size == kBatch ? Extent{0, 1} : Extent{vector ? ceil_div(size, lanes_) : size, 0};
      if (vector) check(size != kBatch, "lanes do not run along the batch");
      Expr i = d == 0 ? rest : body.let("i", rest % count.fixed);
      if (d > 0) rest = body.let("rest", rest / count.fixed);
      read_[d] = vector ? body.let("v", i * lanes_) : i;
      tasks = count.per_sample > 0 ? Extent{0, tasks.fixed} : Extent{tasks.fixed * count.fixed, 0};
    }
    write_ = read_;
    Accumulator acc(body, node_.op == Op::sum, lanes_);
    const int64_t width = from_.shape[last_];
    Expr valid;
    if (!reduced_[last_] && width % lanes_ != 0)
      valid = body.let("valid", loops::min(lanes_, width - read_[last_]));
    loop(body, 0, acc, valid);
    if (reduced_[last_]) {
      body.store(y_, write_, loops::cast(acc.total(body), y_->scalar));
    } else {
      body.store(y_, write_, loops::cast(acc.lanes(), y_->scalar), static_cast<int>(last_), valid);
    }
    const Extent count = elements(from_);
    lowering_.call(kernel_, tasks, body, value_, {.flops = count, .bytes = count * kFloatBytes});
  }

 private:
  void loop(Body& body, size_t d, Accumulator& acc, const Expr& valid) {
    if (d > last_) {
      const Expr value = loaded(x_, read_, lanes_, static_cast<int>(last_), valid);
      return acc.add(body, body.let("x", widened(value)), reduced_[last_] ? valid : Expr());
    }
    if (!reduced_[d]) return loop(body, d + 1, acc, valid);
    const int64_t size = from_.shape[d];
    const bool vector = d == last_;
    const Expr end = size == kBatch ? lowering_.images() : Expr(size);
    body.loop("r", 0, end, vector ? lanes_ : 1, [&](Body& inner, Expr r) {
      read_[d] = r;
      Expr exists = valid;
      const bool whole = size != kBatch && size % lanes_ == 0;
      if (vector && !whole) exists = inner.let("valid", loops::min(lanes_, end - r));
      loop(inner, d + 1, acc, exists);
    });
  }

  Lowering& lowering_;
  ValueId value_;
  const Node& node_;
  const Type& from_;
  KernelBuilder kernel_;
  MemoryRef x_, y_;
  int lanes_;
  std::vector<bool> reduced_;  // by dimension of the operand
  size_t last_;                // the dimension that lanes run along
  std::vector<Expr> read_, write_;
};

// Channel blocks to one value for each pixel: a task is one row of an image.
void lower_channel_sum(Lowering& lowering, ValueId v) {
  const ValueId x = lowering.node(v).inputs[0];
  const std::vector<Extent> dims = physical_extents(lowering.type(x));  // [N, C/V, H, W, V]
  const int64_t blocks = dims[1].fixed, height = dims[2].fixed, width = dims[3].fixed;
  const int lanes = lowering.lanes();
  KernelBuilder kernel("sum_of_channels");
  const auto from = lowering.read(kernel, "x", x);
  const auto to = lowering.view(kernel, "y", v, {dims[0], {height, 0}, {width, 0}}, Access::write);
  Body body(kernel.names());
  const Expr n = body.let("n", loops::task() / height), h = body.let("h", loops::task() % height);
  body.loop("w", 0, width, 1, [&](Body& b, Expr w) {
    Accumulator acc(b, true, lanes);
    b.loop("cb", 0, blocks, 1, [&](Body& inner, Expr block) {
      acc.add(inner, inner.let("x", loaded(from, {n, block, h, w, 0}, lanes, 4)), {});
    });
    b.store(to, {n, h, w}, loops::cast(acc.total(b), to->scalar));
  });
  const Extent count = elements(lowering.type(x));
  lowering.call(kernel, dims[0] * height, body, v, {.flops = count, .bytes = count * kFloatBytes});
}

}  // namespace

void lower_reduce(Lowering& lowering, const Group& group) {
  const ValueId v = group.front();
  const Node& node = lowering.node(v);
  if (is_image_sum(node)) return lower_elementwise(lowering, group);
  if (!lowering.type(node.inputs[0]).layout.plain()) return lower_channel_sum(lowering, v);
  PlainReduction(lowering, v).lower();
}

}  // namespace rnc
