// The gradient of max pooling over values in channel blocks: a task is one block of channels of one image.
#include "passes/lower/channel_reductions.h"
#include "passes/lower/pool_rows.h"
#include "passes/lower/rules.h"

namespace rnc {

using loops::Expr;
using loops::MemoryRef;
using loops::Scalar;

namespace {

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
        const Expr tap = loaded(taps_, at, lanes_, 2), g = loaded(gradients_, at, lanes_, 2);
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
        value_(v),
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
    block_ = body.let("cb", loops::task() / lowering_.images());
    n_ = body.let("n", loops::task() % lowering_.images());
    channels_ = code_.channels(body, block_ * lanes_, lanes_, true);
    const int64_t steps_h = ceil_div(h_.in + h_.pad, h_.stride),
                  steps_w = ceil_div(w_.in + w_.pad, w_.stride);
    const PoolRows rows(body, h_, w_, input_, n_, block_, lanes_);
    const Winners winners(body, h_, w_, steps_w, lanes_);
    reductions_.begin_task(body);
    body.loop("oh", 0, steps_h, 1, [&](Body& b, Expr oh) {
      const Expr row = b.let("row", winners.row(oh));
      const auto windows = [&](Body& c) {
        rows.advance(c, oh);
        const std::vector<Expr> slots = rows.slots(c, oh);
        c.loop("ow", 0, w_.out, 1, [&](Body& d, Expr ow) {
          rows.prefetch(d, oh, ow);
          const Expr g = loaded(dy_, {n_, block_, oh, ow, 0}, lanes_, 4);
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
    const int64_t bytes = lanes_ * blocks_ * (large * code_.bytes_per_element() + kFloatBytes * small);
    lowering_.call(kernel_, {0, blocks_}, body, value_, {.bytes = {0, bytes}}, code_.in_place());
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
              values[value_] = winners.gradient(c, rows, ow, ph, pw);
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
  ValueId value_;
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

}  // namespace rnc
