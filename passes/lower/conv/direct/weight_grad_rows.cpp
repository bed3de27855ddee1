// The register tile of a depthwise weight gradient: rows of the kernel's taps, all where registers are enough, so that
// each pixel of dy and x is read once, in the order of memory, which is what decides its time.
#include <algorithm>

#include "passes/lower/conv/direct/weight_grad_tile.h"

namespace rnc {

using loops::Expr;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// Of so many rows of taps, a vector of dy and one of x.
int64_t registers(const ConvShape& shape, int64_t rows) { return rows * shape.w.kernel + 2; }

class RowsOfTaps {
 public:
  // Rows [begin, end) of taps.
  RowsOfTaps(const WeightGradOperands& operands, const WeightBlock& weights, const PixelBlock& pixels,
             int64_t begin, int64_t end)
      : operands_(operands),
        h_(operands.h),
        w_(operands.w),
        lanes_(operands.target.lanes(DType::f32)),
        weights_(weights),
        pixels_(pixels),
        begin_(begin),
        end_(end) {}

  void add_products(Body& body) {
    const int64_t taps = (end_ - begin_) * w_.kernel;
    acc_ = body.alloc("acc", Scalar::f32, {taps, lanes_}, loops::Space::registers);
    const auto start = [&](Body& b, bool first) {
      b.unrolled("t", 0, taps, [&](Body& c, Expr t) {
        c.store(acc_, {t, 0}, first ? zeros(lanes_) : loaded(operands_.dw, at(t), lanes_, 5), 1);
      });
    };
    body.when(
        pixels_.first, [&](Body& b) { start(b, true); }, [&](Body& b) { start(b, false); });
    body.loop("n", pixels_.n0, pixels_.n1, 1, [&](Body& b, Expr n) {
      b.loop("h", pixels_.h0, pixels_.h1, 1, [&](Body& c, Expr oh) { row(c, n, oh); });
    });
    body.unrolled("t", 0, taps, [&](Body& b, Expr t) {
      b.store(operands_.dw, at(t), loaded(acc_, {t, 0}, lanes_, 1), 5);
    });
  }

 private:
  std::vector<Expr> at(const Expr& tap) const {
    return {weights_.part, weights_.panel, weights_.block, tap + begin_ * w_.kernel, 0, 0};
  }

  // All rows of taps together where all are inside the input, else those that are, one after the other.
  void row(Body& body, const Expr& n, const Expr& oh) {
    const Expr top = body.let("top", oh * h_.stride - h_.pad);
    const auto inside = [&](int64_t first, int64_t last) {
      return both(loops::less_equal(0, top + first * h_.dilation),
                  loops::less(top + last * h_.dilation, h_.in));
    };
    body.when(
        inside(begin_, end_ - 1), [&](Body& b) { pixels(b, n, oh, top, begin_, end_); },
        [&](Body& b) {
          for (int64_t kh = begin_; kh < end_; ++kh)
            b.when(inside(kh, kh), [&](Body& c) { pixels(c, n, oh, top, kh, kh + 1); });
        });
  }

  // The products of a row of dy with rows [first, last) of the taps. At its ends some taps are outside the input.
  void pixels(Body& body, const Expr& n, const Expr& oh, const Expr& top, int64_t first, int64_t last) {
    const auto pixel = [&](Body& b, const Expr& p, const std::function<bool(int64_t)>& inside) {
      const Expr dy = b.let("g", loaded(operands_.dy, {n, weights_.panel, oh, p, 0}, lanes_, 4));
      for (int64_t kh = first; kh < last; ++kh) {
        for (int64_t kw = 0; kw < w_.kernel; ++kw) {
          if (!inside(kw)) continue;
          const Expr ih = top + kh * h_.dilation, iw = p * w_.stride + (kw * w_.dilation - w_.pad);
          const Expr x = b.let("x", loaded(operands_.x, {n, weights_.in_block, ih, iw, 0}, lanes_, 4));
          const std::vector<Expr> tap = {(kh - begin_) * w_.kernel + kw, 0};
          b.store(acc_, tap, loops::fma(x, dy, loaded(acc_, tap, lanes_, 1)), 1);
        }
      }
    };
    int64_t low = 0, high = w_.out;  // pixels for which all taps are inside
    for (int64_t kw = 0; kw < w_.kernel; ++kw) {
      low = std::max(low, w_.valid_outputs(kw).first);
      high = std::min(high, w_.valid_outputs(kw).second);
    }
    high = std::max(low, high);
    const auto edge = [&](int64_t p) {
      pixel(body, p, [&](int64_t kw) {
        const auto [valid_low, valid_high] = w_.valid_outputs(kw);
        return valid_low <= p && p < valid_high;
      });
    };
    for (int64_t p = 0; p < low; ++p) edge(p);
    if (low < high)
      body.loop("p", low, high, 1, [&](Body& b, Expr p) {
        if (asks_for_rows(h_.kernel * w_.kernel, h_.stride * w_.stride, lanes_))
          prefetch_below(b, n, oh, top, p);
        pixel(b, p, [](int64_t) { return true; });
      });
    for (int64_t p = high; p < w_.out; ++p) edge(p);
  }

  // Asks for what the row below of dy will read first, beside pixel p.
  void prefetch_below(Body& body, const Expr& n, const Expr& oh, const Expr& top, const Expr& p) {
    body.add(loops::prefetch(operands_.dy, {n, weights_.panel, oh + 1, p, 0}));
    const Expr below = top + ((end_ - 1) * h_.dilation + 1);
    for (int64_t y = 0; y < h_.stride; ++y) {
      for (int64_t x = 0; x < w_.stride; ++x)
        body.add(loops::prefetch(operands_.x, {n, weights_.in_block, below + y, p * w_.stride + x, 0}));
    }
  }

  const WeightGradOperands& operands_;
  const ConvShape::Axis &h_, &w_;
  int lanes_;
  const WeightBlock& weights_;
  const PixelBlock& pixels_;
  int64_t begin_, end_;
  MemoryRef acc_;
};

}  // namespace

bool tiles_hold_rows(const WeightGrad& conv, const TargetInfo& target) {
  return streams(conv.spread, conv.shape.h.kernel * conv.shape.w.kernel) &&
         registers(conv.shape, 1) <= target.vector_registers;
}

void add_products_of_rows(Body& body, const WeightGradOperands& operands, const WeightBlock& weights,
                          const PixelBlock& pixels) {
  const ConvShape& shape = operands.conv.shape;
  int64_t rows = shape.h.kernel;
  while (registers(shape, rows) > operands.target.vector_registers) --rows;
  const int64_t tiles = ceil_div(shape.h.kernel, rows);
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t begin = t * shape.h.kernel / tiles, end = (t + 1) * shape.h.kernel / tiles;
    RowsOfTaps(operands, weights, pixels, begin, end).add_products(body);
  }
}

}  // namespace rnc
