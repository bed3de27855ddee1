// Maps in channel blocks whose elements are weighted sums of another's: resizing, padding, and their gradients. A task is
// one block of channels of one image; rows and columns have tables of their taps.
#include "ir/ops/resample.h"

#include <algorithm>

#include "passes/lower/rules.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// The taps of rows or columns in memory, as many for each position; where some have fewer, `counts` says so.
class TapTable {
 public:
  TapTable(Lowering& lowering, KernelBuilder& kernel, const std::string& name, const AxisTaps& axis,
           int64_t in)
      : in_(in) {
    std::vector<int32_t> count, index;
    std::vector<float> weight;
    for (const auto& taps : axis) most_ = std::max(most_, static_cast<int64_t>(taps.size()));
    for (const auto& taps : axis) {
      count.push_back(static_cast<int32_t>(taps.size()));
      uniform_ = uniform_ && static_cast<int64_t>(taps.size()) == most_;
      weighted_ = weighted_ || std::ranges::any_of(taps, [](const Tap& tap) { return tap.weight != 1; });
      for (int64_t t = 0; t < most_; ++t) {
        const bool exists = t < static_cast<int64_t>(taps.size());
        index.push_back(exists ? static_cast<int32_t>(taps[static_cast<size_t>(t)].index) : 0);
        weight.push_back(exists ? static_cast<float>(taps[static_cast<size_t>(t)].weight) : 0.0F);
      }
    }
    const auto out = static_cast<int64_t>(axis.size());
    const std::vector<Extent> dims = {{out, 0}, {most_, 0}};
    if (most_ == 0) return;
    indices_ = kernel.param(name + "_index", lowering.constant(name + " index", bytes_of(index)), Scalar::i32,
                            dims, Access::read);
    if (weighted_)
      weights_ = kernel.param(name + "_weight", lowering.constant(name + " weight", bytes_of(weight)),
                              Scalar::f32, dims, Access::read);
    if (!uniform_)
      counts_ = kernel.param(name + "_count", lowering.constant(name + " count", bytes_of(count)),
                             Scalar::i32, {{out, 0}}, Access::read);
  }

  bool may_be_none() const { return !uniform_ || most_ == 0; }
  bool weighted() const { return weighted_; }
  int64_t most() const { return most_; }

  // How many taps position `o` has. The bounds change nothing, but only the table says so.
  Expr count(Body& body, const Expr& o) const {
    if (uniform_) return most_;
    const Expr stored = loops::cast(loaded(counts_, {o}), Scalar::i64);
    return body.let("count", loops::max(0, loops::min(stored, most_)));
  }
  // Calls visit(body, index, weight) for each tap; the weight is a scalar, or none where all are 1.
  void each(Body& body, const Expr& o, const Expr& count,
            const std::function<void(Body&, Expr, Expr)>& visit) const {
    if (most_ == 0) return;
    const auto tap = [&](Body& b, const Expr& t) {
      const Expr stored = loops::cast(loaded(indices_, {o, t}), Scalar::i64);
      const Expr at = b.let("at", loops::max(0, loops::min(stored, in_ - 1)));
      visit(b, at, weighted_ ? b.let("weight", loaded(weights_, {o, t})) : Expr());
    };
    constexpr int64_t kUnrolled = 4;
    if (uniform_ && most_ <= kUnrolled) {
      for (int64_t t = 0; t < most_; ++t) tap(body, t);
    } else {
      body.loop("t", 0, count, 1, tap);
    }
  }

 private:
  int64_t in_, most_ = 0;
  bool uniform_ = true, weighted_ = false;
  MemoryRef indices_, weights_, counts_;
};

class Sampling {
 public:
  Sampling(Lowering& lowering, ValueId v)
      : lowering_(lowering),
        value_(v),
        input_(lowering.node(v).inputs[0]),
        lanes_(lowering.lanes()),
        from_(lowering.type(input_).shape),
        to_(lowering.type(v).shape),
        outside_(value_outside(lowering.node(v))),
        kernel_(std::string(rnc::name(lowering.node(v).op))),
        x_(lowering.read(kernel_, "x", input_)),
        y_(lowering.write(kernel_, "y", v)),
        rows_(lowering, kernel_, "rows", taps_along(lowering.node(v), from_, 0), from_[2]),
        columns_(lowering, kernel_, "columns", taps_along(lowering.node(v), from_, 1), from_[3]) {}

  void lower() {
    const int64_t blocks = ceil_div(to_[1], lanes_);
    Body body(kernel_.names());
    n_ = body.let("n", loops::task() / blocks);
    block_ = body.let("cb", loops::task() % blocks);
    const Expr outside = body.let("outside", outside_vector());
    body.loop("h", 0, to_[2], 1, [&](Body& b, Expr h) {
      const Expr row_count = rows_.count(b, h);
      b.loop("w", 0, to_[3], 1, [&](Body& c, Expr w) { element(c, h, w, row_count, outside); });
    });
    const int64_t moved = kFloatBytes * blocks * lanes_ * (from_[2] * from_[3] + to_[2] * to_[3]);
    lowering_.call(kernel_, {0, blocks}, body, value_, {.bytes = {0, moved}});
  }

 private:
  // Lanes past the last channel stay zero.
  Expr outside_vector() const {
    if (outside_ == 0) return zeros(lanes_);
    const Expr value = loops::constant(Scalar::f32, outside_, lanes_);
    if (to_[1] % lanes_ == 0) return value;
    return loops::mask(value, loops::min(lanes_, to_[1] - block_ * lanes_));
  }

  void element(Body& body, const Expr& h, const Expr& w, const Expr& row_count, const Expr& outside) {
    const Expr column_count = columns_.count(body, w);
    if (!rows_.weighted() && !columns_.weighted() && rows_.most() <= 1 && columns_.most() <= 1)
      return copied(body, h, w, row_count, column_count, outside);
    const auto sum = body.alloc("sum", Scalar::f32, {lanes_}, loops::Space::registers);
    body.store(sum, {0}, zeros(lanes_), 0);
    rows_.each(body, h, row_count, [&](Body& b, const Expr& ih, const Expr& of_row) {
      columns_.each(b, w, column_count, [&](Body& c, const Expr& iw, const Expr& of_column) {
        Expr value = load(ih, iw);
        if (of_row) value = value * loops::broadcast(of_row, lanes_);
        if (of_column) value = value * loops::broadcast(of_column, lanes_);
        c.accumulate(sum, {0}, value, 0);
      });
    });
    body.store(y_, {n_, block_, h, w, 0}, loaded(sum, {0}, lanes_, 0), 4);
  }

  // Elements are moved, or are outside: so all of a pad with a constant are.
  void copied(Body& body, const Expr& h, const Expr& w, const Expr& row_count, const Expr& column_count,
              const Expr& outside) {
    const auto move = [&](Body& b) {
      rows_.each(b, h, 1, [&](Body& c, const Expr& ih, const Expr&) {
        columns_.each(c, w, 1, [&](Body& d, const Expr& iw, const Expr&) {
          d.store(y_, {n_, block_, h, w, 0}, load(ih, iw), 4);
        });
      });
    };
    if (!rows_.may_be_none() && !columns_.may_be_none()) return move(body);
    body.when(
        none(row_count, column_count),
        [&](Body& b) {
          b.store(y_, {n_, block_, h, w, 0}, outside, 4);
        },
        move);
  }

  Expr load(const Expr& h, const Expr& w) const { return loaded(x_, {n_, block_, h, w, 0}, lanes_, 4); }
  static Expr none(const Expr& rows, const Expr& columns) {
    return loops::binary(loops::Binary::logic_or, loops::less(rows, 1), loops::less(columns, 1));
  }

  Lowering& lowering_;
  ValueId value_, input_;
  int lanes_;
  const Shape& from_;
  const Shape& to_;
  double outside_;
  KernelBuilder kernel_;
  MemoryRef x_, y_;
  TapTable rows_, columns_;
  Expr n_, block_;
};

}  // namespace

void lower_resample(Lowering& lowering, const Group& group) { Sampling(lowering, group.front()).lower(); }

}  // namespace rnc
