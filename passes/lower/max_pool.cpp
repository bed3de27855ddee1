// Max pooling over values in channel blocks: a task is one block of channels of one image.
//
// Each row of the operand is loaded once, and what the kernel computes it from is computed once, into a ring
// of as many rows as a window has, with the padding written out; windows then read it without checks.
#include <algorithm>
#include <limits>
#include <optional>

#include "passes/lower/channel_reductions.h"
#include "passes/lower/fused_input.h"
#include "passes/lower/pool_axis.h"
#include "passes/lower/rules.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

Expr both(const Expr& a, const Expr& b) { return loops::binary(loops::Binary::logic_and, a, b); }
Expr inside(const Expr& i, int64_t size) { return both(loops::less_equal(0, i), loops::less(i, size)); }

// Whether x replaces the maximum m: it is larger, or NaN.
Expr replaces(const Expr& x, const Expr& m) {
  return loops::binary(loops::Binary::logic_or, loops::less(m, x), loops::binary(loops::Binary::ne, x, x));
}

Expr lowest(int lanes) {
  return loops::constant(Scalar::f32, -std::numeric_limits<double>::infinity(), lanes);
}

// The rows of the operand that the windows of one row of the output see. Row r lies at r % kernel; r counts
// from the first row of padding.
class Rows {
 public:
  Rows(Body& body, const PoolAxis& h, const PoolAxis& w, FusedInput& input, Expr n, Expr block, int lanes)
      : h_(h), w_(w), input_(input), n_(std::move(n)), block_(std::move(block)), lanes_(lanes) {
    columns_ = std::max(w.in + 2 * w.pad, (w.out - 1) * w.stride + w.kernel);
    rows_ = body.alloc("rows", Scalar::f32, {h.kernel, columns_, lanes}, loops::Space::scratch);
    input_.channels(body, block_ * lanes);
    body.loop("r", 0, h.kernel, 1, [&](Body& b, Expr slot) {
      fill(b, slot, 0, w_.pad);
      fill(b, slot, w_.pad + w_.in, columns_);
    });
    body.loop("r", 0, overlap(), 1, [&](Body& b, Expr r) { load(b, r); });
  }

  // Loads the rows of output row `oh` that those before did not need.
  void advance(Body& body, const Expr& oh) const {
    const Expr first = oh * h_.stride;
    body.loop("r", first + overlap(), first + h_.kernel, 1, [&](Body& b, Expr r) { load(b, r); });
  }

  // Asks for what the next output row needs under column ow of this one: so the operand comes from memory
  // while windows are compared.
  void prefetch(Body& body, const Expr& oh, const Expr& ow) const {
    for (int64_t r = h_.stride + overlap(); r < h_.stride + h_.kernel; ++r) {
      for (int64_t c = 0; c < w_.stride; ++c)
        input_.prefetch(body, {n_, block_, oh * h_.stride + (r - h_.pad), ow * w_.stride + c, 0});
    }
  }

  // The elements of window (oh, ow), in row-major order.
  std::vector<Expr> window(Body& body, const std::vector<Expr>& slots, const Expr& ow) const {
    std::vector<Expr> values;
    for (const Expr& slot : slots) {
      for (int64_t kw = 0; kw < w_.kernel; ++kw) {
        values.push_back(body.let("v", loops::load(rows_, {slot, ow * w_.stride + kw, 0}, lanes_, 2)));
      }
    }
    return values;
  }
  // Where the rows of output row `oh` lie.
  std::vector<Expr> slots(Body& body, const Expr& oh) const {
    std::vector<Expr> slots;
    for (int64_t kh = 0; kh < h_.kernel; ++kh)
      slots.push_back(body.let("slot", (oh * h_.stride + kh) % h_.kernel));
    return slots;
  }

 private:
  int64_t overlap() const { return std::max<int64_t>(h_.kernel - h_.stride, 0); }

  void fill(Body& body, const Expr& slot, Expr begin, Expr end) const {
    body.loop("c", std::move(begin), std::move(end), 1, [&](Body& b, Expr c) {
      b.store(rows_, {slot, c, 0}, lowest(lanes_), 2);
    });
  }

  void load(Body& body, const Expr& r) const {
    const Expr slot = body.let("slot", r % h_.kernel), h = body.let("h", r - h_.pad);
    const bool padded = h_.interior() != std::pair<int64_t, int64_t>{0, h_.out};
    body.when(
        padded ? inside(h, h_.in) : Expr(),
        [&](Body& b) {
          b.loop("w", 0, w_.in, 1, [&](Body& c, Expr w) {
            c.store(rows_, {slot, w + w_.pad, 0}, input_.load(c, {n_, block_, h, w, 0}), 2);
          });
        },
        [&](Body& b) { fill(b, slot, w_.pad, w_.pad + w_.in); });
  }

  const PoolAxis& h_;
  const PoolAxis& w_;
  FusedInput& input_;
  Expr n_, block_;
  int lanes_;
  int64_t columns_;
  MemoryRef rows_;
};

// Of each window, the number of its first maximum, and the gradient that goes there: for the rows of windows
// that see one row of the operand, in a ring. Windows that do not exist have no maximum.
class Winners {
 public:
  Winners(Body& body, const PoolAxis& h, const PoolAxis& w, int64_t columns, int lanes)
      : h_(h),
        w_(w),
        rows_(ceil_div(h.kernel, h.stride)),
        margin_(ceil_div(w.kernel, w.stride) - 1),
        columns_(margin_ + columns),
        lanes_(lanes) {
    taps_ = body.alloc("taps", Scalar::f32, {rows_, columns_, lanes}, loops::Space::scratch);
    gradients_ = body.alloc("gradients", Scalar::f32, {rows_, columns_, lanes}, loops::Space::scratch);
    body.loop("r", 0, rows_, 1, [&](Body& b, Expr row) { clear(b, row); });
  }

  Expr row(const Expr& oh, int64_t before = 0) const { return (oh + (rows_ - before)) % rows_; }
  void clear(Body& body, const Expr& row) const {
    body.loop("c", 0, columns_, 1, [&](Body& b, Expr c) {
      b.store(taps_, {row, c, 0}, number(-1), 2);
      b.store(gradients_, {row, c, 0}, zeros(lanes_), 2);
    });
  }

  void set(Body& body, const Expr& row, const Expr& ow, const std::vector<Expr>& window,
           Expr gradient) const {
    Expr best = lowest(lanes_), tap = number(-1);
    for (size_t i = 0; i < window.size(); ++i) {
      const Expr better = body.let("better", replaces(window[i], best));
      best = body.let("m", loops::select(better, window[i], best));
      tap = body.let("tap", loops::select(better, number(static_cast<int64_t>(i)), tap));
    }
    body.store(taps_, {row, ow + margin_, 0}, tap, 2);
    body.store(gradients_, {row, ow + margin_, 0}, std::move(gradient), 2);
  }

  // What the windows give the pixel of phase (ph, pw) of those at which window (oh, ow) begins, where `rows`
  // are the rows of windows oh, oh - 1, ...
  Expr gradient(Body& body, const std::vector<Expr>& rows, const Expr& ow, int64_t ph, int64_t pw) const {
    Expr sum;
    for (int64_t i = rows_ - 1; i >= 0; --i) {
      for (int64_t j = margin_; j >= 0; --j) {
        const int64_t kh = ph + i * h_.stride, kw = pw + j * w_.stride;
        if (kh >= h_.kernel || kw >= w_.kernel) continue;
        const std::vector<Expr> at = {rows[static_cast<size_t>(i)], ow + (margin_ - j), 0};
        const Expr tap = loops::load(taps_, at, lanes_, 2), g = loops::load(gradients_, at, lanes_, 2);
        const Expr here = loops::binary(loops::Binary::eq, tap, number(kh * w_.kernel + kw));
        const Expr given = loops::select(here, g, zeros(lanes_));
        sum = body.let("g", sum ? sum + given : given);
      }
    }
    return sum ? sum : zeros(lanes_);  // strides beyond the kernel: no window sees it
  }
  int64_t rows() const { return rows_; }

 private:
  Expr number(int64_t value) const {
    return loops::constant(Scalar::f32, static_cast<double>(value), lanes_);
  }

  const PoolAxis& h_;
  const PoolAxis& w_;
  int64_t rows_, margin_, columns_;
  int lanes_;
  MemoryRef taps_, gradients_;  // [rows][margin + columns][lanes]
};

// dx = the gradients of the windows whose first maximum is there, and the fused group around it. Windows and
// the pixels where they begin are visited together, in rows: when row oh of windows is known, so are all that
// see the pixels of its first `stride` rows.
class MaxPoolGrad {
 public:
  MaxPoolGrad(Lowering& lowering, const Group& group, ValueId v)
      : lowering_(lowering),
        v_(v),
        lanes_(lowering.lanes()),
        large_(lowering.type(v)),
        small_(lowering.type(lowering.node(v).inputs[0])),
        h_(pool_axis(lowering.node(v), large_, small_, 0)),
        w_(pool_axis(lowering.node(v), large_, small_, 1)),
        blocks_(physical_dims(large_)[1]),
        kernel_("max_pool_grad"),
        dy_(lowering.read(kernel_, "dy", lowering.node(v).inputs[0])),
        input_(lowering, kernel_, group, "x", lowering.node(v).inputs[1], physical_extents(large_)),
        code_(lowering, kernel_, group, v, large_, physical_extents(large_)),
        reductions_(lowering, kernel_, group, blocks_, {0, 1}, 1, loops::Space::registers) {
    check(!reductions_.needs_first(), "sums of a gradient are not moments");
  }

  void lower() {
    Body body(kernel_.names());
    block_ = body.let("cb", loops::task() / loops::batch());
    n_ = body.let("n", loops::task() % loops::batch());
    channels_ = code_.channels(body, block_ * lanes_, lanes_, true);
    const int64_t steps_h = ceil_div(h_.in + h_.pad, h_.stride),
                  steps_w = ceil_div(w_.in + w_.pad, w_.stride);
    const Rows rows(body, h_, w_, input_, n_, block_, lanes_);
    const Winners winners(body, h_, w_, steps_w, lanes_);
    reductions_.begin_task(body);
    body.loop("oh", 0, steps_h, 1, [&](Body& b, Expr oh) {
      const Expr row = b.let("row", winners.row(oh));
      const auto windows = [&](Body& c) {
        rows.advance(c, oh);
        const std::vector<Expr> slots = rows.slots(c, oh);
        c.loop("ow", 0, w_.out, 1, [&](Body& d, Expr ow) {
          rows.prefetch(d, oh, ow);
          const Expr g = loops::load(dy_, {n_, block_, oh, ow, 0}, lanes_, 4);
          winners.set(d, row, ow, rows.window(d, slots, ow), g);
        });
      };
      b.when(h_.out < steps_h ? loops::less(oh, h_.out) : Expr(), windows,
             [&](Body& c) { winners.clear(c, row); });
      reductions_.begin_chunk(b, {});
      for (int64_t ph = 0; ph < h_.stride; ++ph) pixels(b, winners, oh, ph, steps_w);
      reductions_.end_chunk(b, 0, h_.stride * w_.in);
    });
    reductions_.end_task(body);
    const int64_t large = h_.in * w_.in, small = h_.out * w_.out;
    const int64_t bytes = lanes_ * blocks_ * (large * code_.bytes_per_element() + 4 * small);
    lowering_.call(kernel_, {0, blocks_}, body, v_, {{}, {0, bytes}, "", ""}, code_.in_place());
    reductions_.finish();
  }

 private:
  // The pixels in the row of phase `ph` of step oh.
  void pixels(Body& body, const Winners& winners, const Expr& oh, int64_t ph, int64_t steps) {
    const Expr h = body.let("h", oh * h_.stride + (ph - h_.pad));
    const bool whole = h_.pad == 0 && h_.in % h_.stride == 0;
    body.when(whole ? Expr() : inside(h, h_.in), [&](Body& a) {
      std::vector<Expr> rows;
      for (int64_t i = 0; i < winners.rows(); ++i) rows.push_back(a.let("row", winners.row(oh, i)));
      const auto range = [&](int64_t begin, int64_t end, bool checked) {
        if (begin >= end) return;
        a.loop("ow", begin, end, 1, [&](Body& b, Expr ow) {
          for (int64_t pw = 0; pw < w_.stride; ++pw) {
            const Expr w = b.let("w", ow * w_.stride + (pw - w_.pad));
            b.when(checked ? inside(w, w_.in) : Expr(), [&](Body& c) {
              FusedCode::Values values = channels_;
              values[v_] = winners.gradient(c, rows, ow, ph, pw);
              code_.at(c, {{n_, block_, h, w, 0}, lanes_, 4, {}}, values);
              reductions_.add(c, values);
            });
          }
        });
      };
      const int64_t low = ceil_div(w_.pad, w_.stride), high = (w_.in + w_.pad) / w_.stride;
      range(0, low, true);
      range(low, high, false);
      range(std::max(low, high), steps, true);
    });
  }

  Lowering& lowering_;
  ValueId v_;
  int lanes_;
  const Type& large_;
  const Type& small_;
  PoolAxis h_, w_;
  int64_t blocks_;
  KernelBuilder kernel_;
  MemoryRef dy_;
  FusedInput input_;
  FusedCode code_;
  ChannelReductions reductions_;
  FusedCode::Values channels_;
  Expr n_, block_;
};

}  // namespace

void lower_max_pool_grad(Lowering& lowering, const Group& group) {
  MaxPoolGrad(lowering, group, anchor_of(lowering.graph(), group)).lower();
}

// The largest of each window, or the element of another map that lies where it does, and the fused group
// after it.
void lower_max_pool(Lowering& lowering, const Group& group) {
  const ValueId v = anchor_of(lowering.graph(), group);
  const Node& node = lowering.node(v);
  const bool selects = node.op == Op::max_pool_select;
  const ValueId x = node.inputs.back();
  const Type &large = lowering.type(x), &small = lowering.type(v);
  const PoolAxis h = pool_axis(node, large, small, 0), w = pool_axis(node, large, small, 1);
  const int lanes = lowering.lanes();
  const int64_t blocks = physical_dims(large)[1];
  KernelBuilder kernel(std::string(name(node.op)));
  FusedInput input(lowering, kernel, group, "x", x, physical_extents(large));
  std::optional<FusedInput> choices;
  if (selects) choices.emplace(lowering, kernel, group, "from", node.inputs[0], physical_extents(large));
  FusedCode code(lowering, kernel, epilogue_of(lowering.graph(), group), v, small, physical_extents(small));
  Body body(kernel.names());
  const Expr n = body.let("n", loops::task() / blocks), block = body.let("cb", loops::task() % blocks);
  const FusedCode::Values channels = code.channels(body, block * lanes, lanes, true);
  const Rows rows(body, h, w, input, n, block, lanes);
  std::optional<Rows> others;
  if (selects) others.emplace(body, h, w, *choices, n, block, lanes);
  body.loop("oh", 0, h.out, 1, [&](Body& b, Expr oh) {
    rows.advance(b, oh);
    if (others) others->advance(b, oh);
    const std::vector<Expr> slots = rows.slots(b, oh);
    b.loop("ow", 0, w.out, 1, [&](Body& c, Expr ow) {
      rows.prefetch(c, oh, ow);
      const std::vector<Expr> window = rows.window(c, slots, ow);
      const std::vector<Expr> choice = others ? others->window(c, slots, ow) : window;
      Expr best = lowest(lanes), chosen = best;
      for (size_t i = 0; i < window.size(); ++i) {
        const Expr better = c.let("better", replaces(window[i], best));
        best = c.let("m", loops::select(better, window[i], best));
        chosen = others ? c.let("chosen", loops::select(better, choice[i], chosen)) : best;
      }
      FusedCode::Values values = channels;
      values[v] = chosen;
      code.at(c, {{n, block, oh, ow, 0}, lanes, 4, {}}, values);
    });
  });
  Group read = input.operands();
  if (selects && std::ranges::find(read, node.inputs[0]) == read.end()) read.push_back(node.inputs[0]);
  const int64_t in = 4 * static_cast<int64_t>(read.size()), out = code.bytes_per_element();
  const int64_t bytes = lanes * blocks * (h.in * w.in * in + h.out * w.out * out);
  lowering.call(kernel, {0, blocks}, body, v, {{}, {0, bytes}, "", ""});
}

}  // namespace rnc
