#include "passes/lower/conv/direct/weight_grad_tile.h"

#include <algorithm>

namespace rnc {

using loops::Expr;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// Pairs of pixels that are put beside each other before they are multiplied: few enough for the first cache.
constexpr int64_t kPairsAtOnce = 32;

class RowOfTaps {
 public:
  RowOfTaps(const WeightGradOperands& operands, const WeightBlock& weights, const PixelBlock& pixels,
            const Expr& kh)
      : operands_(operands),
        conv_(operands.conv),
        h_(operands.h),
        w_(operands.w),
        lanes_(operands.target.lanes(DType::f32)),
        weight_lanes_(conv_.weight_lanes(lanes_)),
        weights_(weights),
        pixels_(pixels),
        kh_(kh) {}

  void add_products(Body& body) {
    const int64_t count = tile_inputs();
    if (conv_.tiles_hold_taps()) {
      for (int64_t first = 0; first < w_.kernel; first += count) {
        const int64_t taps = std::min(count, w_.kernel - first);
        reduce_taps(body, first, taps);
      }
      return;
    }
    for (int64_t kw = 0; kw < w_.kernel; ++kw)
      body.loop("i0", 0, lanes_, count, [&](Body& b, Expr i0) { reduce_blocked(b, kw, i0, count); });
  }

 private:
  // Lanes of the input channel block, or taps of the row, that one register tile covers.
  int64_t tile_inputs() const {
    const int64_t all = conv_.tiles_hold_taps() ? w_.kernel : lanes_;
    const int64_t held = conv_.vectors + (conv_.spread > 0 ? 1 : 0);  // of dy, and of x
    const int64_t limit = (operands_.target.vector_registers - 1 - held) / conv_.vectors;
    int64_t count =
        std::min<int64_t>(all, conv_.spread > 0 ? std::max<int64_t>(1, limit / conv_.spread) : limit);
    if (!conv_.tiles_hold_taps()) {
      int64_t power = 1;
      while (power * 2 <= std::min<int64_t>(count, 16 / conv_.vectors)) power *= 2;
      return power;
    }
    return ceil_div(all, ceil_div(all, count));
  }

  // Whether the tile of tap kw asks for what the next block of pixels has in its place: the first tile to
  // read it does, of the taps that read different pixels. An empty condition means none.
  Expr looks_ahead(int64_t kw) const {
    if (!pixels_.to_n || kw >= w_.stride) return {};
    return h_.kernel <= h_.stride ? pixels_.ahead : both(pixels_.ahead, loops::less(kh_, h_.stride));
  }

  // Asks for what the next block of pixels has in place of (n, oh, p), the vectors of dy one by one.
  void prefetch(Body& body, Expr n, Expr oh, Expr p, int64_t kw, Expr i0) {
    const Expr h = oh + pixels_.to_h, ih = h * h_.stride + kh_ * h_.dilation - h_.pad;
    const Expr iw = p * w_.stride + (kw * w_.dilation - w_.pad);
    body.add(loops::prefetch(operands_.x, {n + pixels_.to_n, weights_.in_block, ih, iw, i0}));
    if (kw > 0) return;
    const Expr block = weights_.panel * conv_.vectors + i0 * conv_.vectors / lanes_;
    body.add(loops::prefetch(operands_.dy, {n + pixels_.to_n, block, h, p, 0}));
  }

  using Row = std::function<void(Body&, Expr n, Expr oh, Expr ih)>;
  // acc = dw tile, or 0 for the first block of pixels; runs `row` over the rows whose tap kh is inside the
  // input; dw tile = acc.
  void accumulate_tile(Body& body, int64_t inputs, const std::function<std::vector<Expr>(Expr, int)>& at,
                       const Row& row) {
    const MemoryRef& dw = operands_.dw;
    acc_ = body.alloc("acc", Scalar::f32, {inputs, conv_.vectors, lanes_}, loops::Space::registers);
    const auto start = [&](Body& b, bool first) {
      b.unrolled("c", 0, inputs, [&](Body& c, Expr i) {
        for (int o = 0; o < conv_.vectors; ++o)
          c.store(acc_, {i, o, 0}, first ? zeros(lanes_) : loaded(dw, at(i, o), lanes_, 5), 2);
      });
    };
    body.when(
        pixels_.first, [&](Body& b) { start(b, true); }, [&](Body& b) { start(b, false); });
    body.loop("n", pixels_.n0, pixels_.n1, 1, [&](Body& b, Expr n) {
      b.loop("h", pixels_.h0, pixels_.h1, 1, [&](Body& c, Expr oh) {
        const Expr ih = c.let("ih", oh * h_.stride + kh_ * h_.dilation - h_.pad);
        Expr inside;
        const int64_t last = (h_.out - 1) * h_.stride + (h_.kernel - 1) * h_.dilation - h_.pad;
        if (h_.pad > 0 || last >= h_.in) inside = both(loops::less_equal(0, ih), loops::less(ih, h_.in));
        c.when(inside, [&](Body& d) { row(d, n, oh, ih); });
      });
    });
    body.unrolled("c", 0, inputs, [&](Body& b, Expr c) {
      for (int o = 0; o < conv_.vectors; ++o) b.store(dw, at(c, o), loaded(acc_, {c, o, 0}, lanes_, 2), 5);
    });
  }

  std::vector<Expr> load_dy(Body& body, Expr n, Expr oh, Expr ow) {
    std::vector<Expr> vectors;
    for (int o = 0; o < conv_.vectors; ++o) {
      const std::vector<Expr> at = {n, weights_.panel * conv_.vectors + o, oh, ow, 0};
      vectors.push_back(body.let("g", loaded(operands_.dy, at, lanes_, 4)));
    }
    return vectors;
  }

  void multiply(Body& body, Expr c, Expr x, const std::vector<Expr>& dy) {
    for (int o = 0; o < conv_.vectors; ++o) {
      const Expr sum = loaded(acc_, {c, o, 0}, lanes_, 2);
      body.store(acc_, {c, o, 0}, loops::fma(x, dy[static_cast<size_t>(o)], sum), 2);
    }
  }

  // Adds the products of tap t, which reads the pixel at `place`.
  void multiply_tap(Body& body, Expr t, std::vector<Expr> place, const std::vector<Expr>& dy) {
    const MemoryRef& x = operands_.x;
    if (conv_.plain_input)
      return multiply(body, t, body.let("x", loops::broadcast(loaded(x, place), lanes_)), dy);
    place.emplace_back(0);
    const Expr block = body.let("x", loaded(x, place, lanes_, 4));
    const auto group = static_cast<int>(conv_.spread);
    for (int i = 0; i < group; ++i) multiply(body, t * group + i, loops::spread(block, group, i), dy);
  }

  // Whether products of two pixels are added at a time.
  bool takes_pairs() const {
    const bool narrow = operands_.x->scalar == Scalar::bf16 && operands_.dy->scalar == Scalar::bf16;
    return narrow && operands_.target.dot_pairs && !conv_.plain_input && conv_.spread == 0;
  }

  // The vectors of dy at pixels ow and ow + 1, element by element beside each other.
  std::vector<Expr> load_dy_pairs(Body& body, Expr n, Expr oh, Expr ow) {
    std::vector<Expr> vectors;
    for (int o = 0; o < conv_.vectors; ++o) {
      const auto at = [&](Expr column) {
        return loops::load(operands_.dy, {n, weights_.panel * conv_.vectors + o, oh, column, 0}, lanes_, 4);
      };
      vectors.push_back(body.let("g", loops::zip(at(ow), at(ow + 1))));
    }
    return vectors;
  }

  // Adds the products of pixels [low, high) of a row, two at a time: those of x are put beside each other in scratch
  // memory first, some at a time, as each pair is then read as one number for all lanes.
  void multiply_pairs(Body& body, Expr n, Expr oh, Expr ih, int64_t kw, Expr i0, int64_t count, int64_t low,
                      int64_t high, bool ahead) {
    const auto column = [&](const Expr& p) { return p * w_.stride + (kw * w_.dilation - w_.pad); };
    const auto some = [&](Body& b, const Expr& first, int64_t pairs) {
      const MemoryRef xs = b.alloc("pairs", Scalar::bf16, {pairs, 2 * lanes_}, loops::Space::scratch);
      const auto x = [&](const Expr& p) {
        return loops::load(operands_.x, {n, weights_.in_block, ih, column(p), 0}, lanes_, 4);
      };
      b.loop("q", 0, pairs, 1, [&](Body& c, Expr q) {
        c.store(xs, {q, 0}, loops::zip(x(first + q * 2), x(first + q * 2 + 1)), 1);
      });
      b.loop("q", 0, pairs, 1, [&](Body& c, Expr q) {
        const Expr p = c.let("p", first + q * 2);
        const std::vector<Expr> dy = load_dy_pairs(c, n, oh, p);
        if (ahead) prefetch(c, n, oh, p, kw, i0);  // in one line of memory with the next
        c.unrolled("c", 0, count, [&](Body& d, Expr i) {
          const Expr pair = d.let("x", loops::load(xs, {q, (i0 + i) * 2}, 2, 1));
          for (int o = 0; o < conv_.vectors; ++o) {
            const Expr sum = loaded(acc_, {i, o, 0}, lanes_, 2);
            d.store(acc_, {i, o, 0}, loops::dot_pairs(dy[static_cast<size_t>(o)], pair, sum), 2);
          }
        });
      });
    };
    const int64_t all = (high - low) / 2, chunks = all / kPairsAtOnce, rest = all % kPairsAtOnce;
    if (chunks > 0) {
      body.loop("p0", low, low + 2 * chunks * kPairsAtOnce, 2 * kPairsAtOnce,
                [&](Body& b, Expr p0) { some(b, p0, kPairsAtOnce); });
    }
    if (rest > 0) some(body, low + 2 * chunks * kPairsAtOnce, rest);
    if ((high - low) % 2 == 1) {
      const std::vector<Expr> dy = load_dy(body, n, oh, high - 1);
      body.unrolled("c", 0, count, [&](Body& b, Expr i) {
        const Expr x = loaded(operands_.x, {n, weights_.in_block, ih, column(high - 1), i0 + i});
        multiply(b, i, b.let("x", loops::broadcast(x, lanes_)), dy);
      });
    }
  }

  void reduce_blocked(Body& body, int64_t kw, Expr i0, int64_t count) {
    const auto [low, high] = w_.valid_outputs(kw);
    const Expr tap = kh_ * w_.kernel + kw;
    const auto at = [&](Expr c, int o) {
      return std::vector<Expr>{weights_.part, weights_.panel, weights_.block, tap, i0 + c, o * lanes_};
    };
    accumulate_tile(body, count, at, [&, low = low, high = high](Body& b, Expr n, Expr oh, Expr ih) {
      const auto pixels = [&](Body& c, bool ahead) {
        if (takes_pairs()) return multiply_pairs(c, n, oh, ih, kw, i0, count, low, high, ahead);
        c.loop("p", low, high, 1, [&](Body& d, Expr p) {
          const std::vector<Expr> dy = load_dy(d, n, oh, p);
          const Expr iw = p * w_.stride + (kw * w_.dilation - w_.pad);
          if (ahead) prefetch(d, n, oh, p, kw, i0);
          d.unrolled("c", 0, count, [&](Body& e, Expr i) {
            const Expr x = loaded(operands_.x, {n, weights_.in_block, ih, iw, i0 + i});
            multiply(e, i, e.let("x", loops::broadcast(x, lanes_)), dy);
          });
        });
      };
      const Expr ahead = looks_ahead(kw);
      if (!ahead) return pixels(b, false);
      b.when(
          ahead, [&](Body& c) { pixels(c, true); }, [&](Body& c) { pixels(c, false); });
    });
  }

  // Few inputs belong to a tap, so that the tile runs over the taps of a row too; the pixels at the row's
  // ends, where some taps are outside, are taken one by one.
  void reduce_taps(Body& body, int64_t first, int64_t taps) {
    const auto at = [&](Expr c, int o) {
      const Expr tap = kh_ * w_.kernel + first + c / weight_lanes_;
      return std::vector<Expr>{weights_.part, weights_.panel,    weights_.block,
                               tap,           c % weight_lanes_, o * lanes_};
    };
    int64_t low = 0, high = w_.out;  // pixels for which all these taps are inside
    for (int64_t t = first; t < first + taps; ++t) {
      low = std::max(low, w_.valid_outputs(t).first);
      high = std::min(high, w_.valid_outputs(t).second);
    }
    high = std::max(low, high);
    accumulate_tile(body, taps * weight_lanes_, at, [&, low, high](Body& b, Expr n, Expr oh, Expr ih) {
      const auto pixel = [&](Body& c, Expr p, int64_t from, int64_t to) {
        const std::vector<Expr> dy = load_dy(c, n, oh, p);
        c.unrolled("c", from, to, [&](Body& d, Expr t) {
          const Expr iw = p * w_.stride + (t + first) * w_.dilation - w_.pad;
          multiply_tap(d, t, {n, weights_.in_block, ih, iw}, dy);
        });
      };
      const auto edge = [&](int64_t p) {
        int64_t from = taps, to = 0;
        for (int64_t t = 0; t < taps; ++t) {
          const auto [valid_low, valid_high] = w_.valid_outputs(first + t);
          if (p < valid_low || p >= valid_high) continue;
          from = std::min(from, t);
          to = t + 1;
        }
        if (from < to) pixel(b, p, from, to);
      };
      for (int64_t p = 0; p < low; ++p) edge(p);
      if (low < high) b.loop("p", low, high, 1, [&](Body& c, Expr p) { pixel(c, p, 0, taps); });
      for (int64_t p = high; p < w_.out; ++p) edge(p);
    });
  }

  const WeightGradOperands& operands_;
  const WeightGrad& conv_;
  const ConvShape::Axis &h_, &w_;
  int lanes_;
  int64_t weight_lanes_;
  const WeightBlock& weights_;
  const PixelBlock& pixels_;
  const Expr& kh_;
  MemoryRef acc_;
};

}  // namespace

void clear_weights(Body& body, const WeightGradOperands& operands, const WeightBlock& weights) {
  const WeightGrad& conv = operands.conv;
  const int lanes = operands.target.lanes(DType::f32);
  const int64_t weight_lanes = conv.weight_lanes(lanes);
  body.loop("t", 0, operands.h.kernel * operands.w.kernel * weight_lanes, 1, [&](Body& b, Expr t) {
    for (int o = 0; o < conv.vectors; ++o) {
      const std::vector<Expr> at = {weights.part,     weights.panel,    weights.block,
                                    t / weight_lanes, t % weight_lanes, o * lanes};
      b.store(operands.dw, at, zeros(lanes), 5);
    }
  });
}

void add_products(Body& body, const WeightGradOperands& operands, const WeightBlock& weights,
                  const PixelBlock& pixels, const Expr& kh) {
  RowOfTaps(operands, weights, pixels, kh).add_products(body);
}

}  // namespace rnc
