#include "passes/lower/conv/weight_grad.h"

#include <algorithm>

#include "passes/lower/conv/grouped.h"
#include "passes/lower/conv/macro_tile.h"
#include "passes/lower/conv/task_shares.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// Pixels of a block, at most: they are summed in registers before a tile is added to memory, and so few that
// a panel of dy and a block of x stay in the first-level cache.
constexpr int64_t kReducedPixels = 128;

Expr is(const Expr& a, const Expr& b) { return loops::binary(loops::Binary::eq, a, b); }

// Sees a map as rows of nearly kReducedPixels: to a 1x1 kernel it is all one where rows end.
void flatten_rows(ConvShape::Axis& h, ConvShape::Axis& w) {
  const int64_t pixels = h.in * w.in;
  int64_t width = std::min(pixels, kReducedPixels);
  while (pixels % width != 0) --width;
  w.in = w.out = width;
  h.in = h.out = pixels / width;
}

// Adds a call that sums the `parts` of the result that lie one after the other in `buffer`.
void add_parts(Lowering& lowering, const WeightGrad& conv, int buffer, int64_t parts, int64_t floats) {
  constexpr int64_t chunk = 4096;
  KernelBuilder kernel("add_parts");
  const auto from = kernel.param("parts", buffer, Scalar::f32, {{parts, 0}, {floats, 0}}, Access::read);
  const auto to = kernel.param("sum", conv.result, Scalar::f32, {{floats, 0}}, Access::write);
  const int lanes = lowering.lanes();
  Body body(kernel.names());
  const Expr begin = body.let("begin", loops::task() * chunk);
  body.loop("i", begin, loops::min(begin + chunk, floats), lanes, [&](Body& b, Expr i) {
    Expr sum = loops::load(from, {0, i}, lanes, 1);
    for (int64_t p = 1; p < parts; ++p) sum = b.let("sum", sum + loops::load(from, {p, i}, lanes, 1));
    b.store(to, {i}, sum, 0);
  });
  lowering.call(kernel, {ceil_div(floats, chunk), 0}, body, conv.of,
                {{}, {4 * floats * (parts + 1), 0}, "", "weight_grad"});
}

class WeightGradKernel {
 public:
  WeightGradKernel(Lowering& lowering, const WeightGrad& conv)
      : lowering_(lowering),
        conv_(conv),
        h_(conv.shape.h),
        w_(conv.shape.w),
        lanes_(lowering.lanes()),
        in_lanes_(conv.plain_input ? 1 : lanes_),
        weight_lanes_(conv.weight_lanes(lanes_)),
        panels_(ceil_div(conv.shape.outputs, lanes_ * conv.vectors)),
        taps_(h_.kernel * w_.kernel),
        tile_floats_(taps_ * weight_lanes_ * conv.vectors * lanes_),
        result_floats_(panels_ * conv.in_blocks * tile_floats_),
        kernel_(conv.name) {
    if (conv.shape.pointwise()) flatten_rows(h_, w_);
    images_ = std::max<int64_t>(1, kReducedPixels / (h_.out * w_.out));
    rows_ = std::clamp<int64_t>(kReducedPixels / w_.out, 1, h_.out);
    macro_ = choose_macro_tile(sizes(), lowering.target().l2_bytes * 3 / 8);  // more was slower
    parts_ = macro_.parts;
    const Extent n{0, 1};
    std::vector<Extent> x_dims = {n, {ceil_div(conv.shape.channels, in_lanes_), 0}, {h_.in, 0}, {w_.in, 0}};
    if (!conv.plain_input) x_dims.push_back({lanes_, 0});
    x_ = lowering.view(kernel_, "x", conv.x, x_dims, Access::read);
    dy_ = lowering.view(kernel_, "dy", conv.dy,
                        {n, {ceil_div(conv.shape.outputs, lanes_), 0}, {h_.out, 0}, {w_.out, 0}, {lanes_, 0}},
                        Access::read);
    buffer_ =
        parts_ == 1 ? conv.result : lowering.temporary("partial weights", {parts_ * result_floats_ * 4, 0});
    dw_ = kernel_.param("dw", buffer_, Scalar::f32, dw_dims(), Access::update);
  }

  void lower() {
    Body body(kernel_.names());
    const int64_t tiles = ceil_div(panels_, macro_.panels) * ceil_div(conv_.in_blocks, macro_.blocks);
    const TaskShares shares(parts_ * tiles, macro_.panels, macro_.blocks);
    const TaskShare share = shares.of_task(body);
    // Parts outermost: tasks that share dy are neighbours.
    part_ = body.let("part", share.part / tiles);
    place(body, share, body.let("tile", share.part % tiles));
    body.when(share.works, [&](Body& b) { sum_products(b); });
    loops::Work work = conv_.work;
    work.bytes = {result_floats_ * 4 * parts_,
                  4 * (conv_.shape.channels * h_.in * w_.in + conv_.shape.outputs * h_.out * w_.out)};
    lowering_.call(kernel_, {shares.tasks(), 0}, body, conv_.of, work);
    if (parts_ > 1) add_parts(lowering_, conv_, buffer_, parts_, result_floats_);
  }

 private:
  // Where a task's share of macro-tile `tile` begins and ends.
  void place(Body& body, const TaskShare& share, Expr tile) {
    const int64_t columns = ceil_div(conv_.in_blocks, macro_.blocks);
    const auto part = [&](Expr begin, int64_t size, int64_t all, Expr first, Expr last) {
      const Expr from = body.let("first", begin * size + first);
      return std::pair{from, body.let("last", loops::min(from + (last - first), all))};
    };
    of_panels_ = part(tile / columns, macro_.panels, panels_, share.panel0, share.panel1);
    of_blocks_ = part(tile % columns, macro_.blocks, conv_.in_blocks, share.block0, share.block1);
  }

  void each_tile(Body& body, const Body::Fill& fill) {
    body.loop("panel", of_panels_.first, of_panels_.second, 1, [&](Body& b, Expr panel) {
      panel_ = panel;
      const Expr first = b.let("first", first_block(grouped(), panel, lanes_));
      b.loop("block", of_blocks_.first, of_blocks_.second, 1, [&](Body& c, Expr block) {
        block_ = block;
        in_block_ = c.let("cb", first + block);
        ahead_ =
            loops::binary(loops::Binary::logic_or, is(panel, of_panels_.first), is(block, of_blocks_.first));
        fill(c);
      });
    });
  }

  void sum_products(Body& body) {
    const Expr begin = body.let("begin", part_ * loops::batch() / parts_);
    const Expr end = body.let("end", (part_ + 1) * loops::batch() / parts_);
    body.when(loops::less_equal(end, begin), [&](Body& b) { each_tile(b, [&](Body& c) { clear(c); }); });
    body.loop("n0", begin, end, images_, [&](Body& b, Expr n0) {
      const Expr n1 = images_ == 1 ? n0 + 1 : b.let("n1", loops::min(n0 + images_, end));
      b.loop("h0", 0, h_.out, rows_, [&](Body& c, Expr h0) {
        const Expr h1 = h_.out % rows_ == 0 ? h0 + rows_ : c.let("h1", loops::min(h0 + rows_, h_.out));
        first_ = c.let("first", loops::binary(loops::Binary::logic_and, is(n0, begin), is(h0, 0)));
        look_ahead(c, h0);
        each_tile(c, [&](Body& d) {
          const auto kh = [&](Body& e, Expr t) { one_row_of_taps(e, n0, n1, h0, h1, t); };
          h_.kernel == 1 ? kh(d, 0) : d.loop("kh", 0, h_.kernel, 1, kh);
        });
      });
    });
  }

  std::vector<Extent> dw_dims() const {
    return {{parts_, 0}, {panels_, 0},       {conv_.in_blocks, 0},
            {taps_, 0},  {weight_lanes_, 0}, {conv_.vectors * lanes_, 0}};
  }
  WeightGradSizes sizes() const {
    const auto lines = [](const ConvShape::Axis& a) { return std::min(a.kernel, a.stride); };
    const int64_t pixels = images_ * rows_ * w_.out;
    return {.panels = panels_,
            .blocks = conv_.in_blocks,
            .pixel_blocks = ceil_div(h_.out * w_.out, pixels),
            .panel_pixels = 4 * pixels * conv_.vectors * lanes_,
            .block_pixels = 4 * pixels * in_lanes_ * lines(h_) * lines(w_),
            .tile = 4 * tile_floats_};
  }
  DirectConv grouped() const {
    DirectConv g;
    g.vectors = conv_.vectors;
    g.in_channels = conv_.shape.channels;
    g.in_blocks = conv_.in_blocks;
    g.outputs_per_group = conv_.outputs_per_group;
    g.inputs_per_group = conv_.inputs_per_group;
    return g;
  }

  void clear(Body& body) {
    body.loop("t", 0, taps_ * weight_lanes_, 1, [&](Body& b, Expr t) {
      for (int o = 0; o < conv_.vectors; ++o) {
        const std::vector<Expr> at = {part_,     panel_, block_, t / weight_lanes_, t % weight_lanes_,
                                      o * lanes_};
        b.store(dw_, at, zeros(lanes_), 5);
      }
    });
  }

  // Whether a register tile covers several taps, as few inputs belong to each.
  bool by_taps() const { return conv_.plain_input || conv_.spread > 0; }

  // Lanes of the input channel block, or taps of the row, that one register tile covers.
  int64_t tile_inputs() const {
    const int64_t all = by_taps() ? w_.kernel : lanes_;
    const int64_t held = conv_.vectors + (conv_.spread > 0 ? 1 : 0);  // of dy, and of x
    const int64_t limit = (lowering_.target().vector_registers - 1 - held) / conv_.vectors;
    int64_t count =
        std::min<int64_t>(all, conv_.spread > 0 ? std::max<int64_t>(1, limit / conv_.spread) : limit);
    if (!by_taps()) {
      int64_t power = 1;
      while (power * 2 <= std::min<int64_t>(count, 16 / conv_.vectors)) power *= 2;
      return power;
    }
    return ceil_div(all, ceil_div(all, count));
  }

  void one_row_of_taps(Body& body, Expr n0, Expr n1, Expr h0, Expr h1, Expr kh) {
    const int64_t count = tile_inputs();
    if (by_taps()) {
      for (int64_t first = 0; first < w_.kernel; first += count) {
        const int64_t taps = std::min(count, w_.kernel - first);
        reduce_taps(body, n0, n1, h0, h1, kh, first, taps);
      }
      return;
    }
    for (int64_t kw = 0; kw < w_.kernel; ++kw) {
      body.loop("i0", 0, lanes_, count,
                [&](Body& b, Expr i0) { reduce_blocked(b, n0, n1, h0, h1, kh, kw, i0, count); });
    }
  }

  // Where the next block of pixels begins: `to_n_` images and `to_h_` rows from this one.
  void look_ahead(Body& body, Expr h0) {
    if (by_taps()) return;
    const Expr last = body.let("last", loops::less_equal(h_.out, h0 + rows_));
    to_n_ = body.let("to_n", loops::select(last, images_, 0));
    to_h_ = body.let("to_h", loops::select(last, 0 - h0, rows_));
  }

  // Whether a tile of tap (kh, kw) asks for what the next block of pixels has in its place: the first tile to
  // read it does, of the taps that read different pixels. An empty condition means none.
  Expr looks_ahead(Expr kh, int64_t kw) const {
    if (!to_n_ || kw >= w_.stride) return {};
    return h_.kernel <= h_.stride
               ? ahead_
               : loops::binary(loops::Binary::logic_and, ahead_, loops::less(kh, h_.stride));
  }

  // Asks for what the next block of pixels has in place of (n, oh, p), the vectors of dy one by one.
  void prefetch(Body& body, Expr n, Expr oh, Expr p, Expr kh, int64_t kw, Expr i0) {
    const Expr h = oh + to_h_, ih = h * h_.stride + kh * h_.dilation - h_.pad;
    const Expr iw = p * w_.stride + (kw * w_.dilation - w_.pad);
    body.add(loops::prefetch(x_, {n + to_n_, in_block_, ih, iw, i0}));
    if (kw > 0) return;
    body.add(
        loops::prefetch(dy_, {n + to_n_, panel_ * conv_.vectors + i0 * conv_.vectors / lanes_, h, p, 0}));
  }

  using Pixel = std::function<void(Body&, Expr n, Expr oh, Expr ih)>;
  // acc = dw tile, or 0 for the first block of pixels; runs `row` over the rows whose tap kh is inside the
  // input; dw tile = acc.
  void accumulate_tile(Body& body, int64_t inputs, const std::function<std::vector<Expr>(Expr, int)>& at,
                       Expr n0, Expr n1, Expr h0, Expr h1, Expr kh, const Pixel& row) {
    acc_ = body.alloc("acc", Scalar::f32, {inputs, conv_.vectors, lanes_}, loops::Space::registers);
    const auto start = [&](Body& b, bool first) {
      b.unrolled("c", 0, inputs, [&](Body& c, Expr i) {
        for (int o = 0; o < conv_.vectors; ++o)
          c.store(acc_, {i, o, 0}, first ? zeros(lanes_) : loops::load(dw_, at(i, o), lanes_, 5), 2);
      });
    };
    body.when(
        first_, [&](Body& b) { start(b, true); }, [&](Body& b) { start(b, false); });
    body.loop("n", n0, n1, 1, [&](Body& b, Expr n) {
      b.loop("h", h0, h1, 1, [&](Body& c, Expr oh) {
        const Expr ih = c.let("ih", oh * h_.stride + kh * h_.dilation - h_.pad);
        Expr inside;
        const int64_t last = (h_.out - 1) * h_.stride + (h_.kernel - 1) * h_.dilation - h_.pad;
        if (h_.pad > 0 || last >= h_.in) {
          inside = loops::binary(loops::Binary::logic_and, loops::less_equal(0, ih), loops::less(ih, h_.in));
        }
        c.when(inside, [&](Body& d) { row(d, n, oh, ih); });
      });
    });
    body.unrolled("c", 0, inputs, [&](Body& b, Expr c) {
      for (int o = 0; o < conv_.vectors; ++o)
        b.store(dw_, at(c, o), loops::load(acc_, {c, o, 0}, lanes_, 2), 5);
    });
  }

  std::vector<Expr> load_dy(Body& body, Expr n, Expr oh, Expr ow) {
    std::vector<Expr> vectors;
    for (int o = 0; o < conv_.vectors; ++o) {
      const std::vector<Expr> at = {n, panel_ * conv_.vectors + o, oh, ow, 0};
      vectors.push_back(body.let("g", loops::load(dy_, at, lanes_, 4)));
    }
    return vectors;
  }

  void multiply(Body& body, Expr c, Expr x, const std::vector<Expr>& dy) {
    for (int o = 0; o < conv_.vectors; ++o) {
      const Expr sum = loops::load(acc_, {c, o, 0}, lanes_, 2);
      body.store(acc_, {c, o, 0}, loops::fma(x, dy[static_cast<size_t>(o)], sum), 2);
    }
  }

  // Adds the products of tap t, which reads the pixel at `place`.
  void multiply_tap(Body& body, Expr t, std::vector<Expr> place, const std::vector<Expr>& dy) {
    if (conv_.plain_input) {
      return multiply(body, t, body.let("x", loops::broadcast(loops::load(x_, place), lanes_)), dy);
    }
    place.emplace_back(0);
    const Expr block = body.let("x", loops::load(x_, place, lanes_, 4));
    const auto group = static_cast<int>(conv_.spread);
    for (int i = 0; i < group; ++i) multiply(body, t * group + i, loops::spread(block, group, i), dy);
  }

  void reduce_blocked(Body& body, Expr n0, Expr n1, Expr h0, Expr h1, Expr kh, int64_t kw, Expr i0,
                      int64_t count) {
    const auto [low, high] = w_.valid_outputs(kw);
    const Expr tap = kh * w_.kernel + kw;
    const auto at = [&](Expr c, int o) {
      return std::vector<Expr>{part_, panel_, block_, tap, i0 + c, o * lanes_};
    };
    accumulate_tile(body, count, at, n0, n1, h0, h1, kh,
                    [&, low = low, high = high](Body& b, Expr n, Expr oh, Expr ih) {
                      const auto pixels = [&](Body& c, bool ahead) {
                        c.loop("p", low, high, 1, [&](Body& d, Expr p) {
                          const std::vector<Expr> dy = load_dy(d, n, oh, p);
                          const Expr iw = p * w_.stride + (kw * w_.dilation - w_.pad);
                          if (ahead) prefetch(d, n, oh, p, kh, kw, i0);
                          d.unrolled("c", 0, count, [&](Body& e, Expr i) {
                            const Expr x = loops::load(x_, {n, in_block_, ih, iw, i0 + i});
                            multiply(e, i, e.let("x", loops::broadcast(x, lanes_)), dy);
                          });
                        });
                      };
                      const Expr ahead = looks_ahead(kh, kw);
                      if (!ahead) return pixels(b, false);
                      b.when(
                          ahead, [&](Body& c) { pixels(c, true); }, [&](Body& c) { pixels(c, false); });
                    });
  }

  // Few inputs belong to a tap (one of a plain input, those of the lane's group where they are spread), so
  // that the tile runs over the taps of a row too; the pixels at the row's ends, where some taps are outside,
  // are taken one by one.
  void reduce_taps(Body& body, Expr n0, Expr n1, Expr h0, Expr h1, Expr kh, int64_t first, int64_t taps) {
    const auto at = [&](Expr c, int o) {
      return std::vector<Expr>{
          part_, panel_, block_, kh * w_.kernel + first + c / weight_lanes_, c % weight_lanes_, o * lanes_};
    };
    int64_t low = 0, high = w_.out;  // pixels for which all these taps are inside
    for (int64_t t = first; t < first + taps; ++t) {
      low = std::max(low, w_.valid_outputs(t).first);
      high = std::min(high, w_.valid_outputs(t).second);
    }
    high = std::max(low, high);
    accumulate_tile(body, taps * weight_lanes_, at, n0, n1, h0, h1, kh,
                    [&, low, high](Body& b, Expr n, Expr oh, Expr ih) {
                      const auto pixel = [&](Body& c, Expr p, int64_t from, int64_t to) {
                        const std::vector<Expr> dy = load_dy(c, n, oh, p);
                        c.unrolled("c", from, to, [&](Body& d, Expr t) {
                          const Expr iw = p * w_.stride + (t + first) * w_.dilation - w_.pad;
                          multiply_tap(d, t, {n, in_block_, ih, iw}, dy);
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
                      if (low < high)
                        b.loop("p", low, high, 1, [&](Body& c, Expr p) { pixel(c, p, 0, taps); });
                      for (int64_t p = high; p < w_.out; ++p) edge(p);
                    });
  }

  Lowering& lowering_;
  const WeightGrad& conv_;
  ConvShape::Axis h_, w_;
  int lanes_, in_lanes_;
  int64_t weight_lanes_;
  int64_t panels_, taps_, tile_floats_, result_floats_;
  KernelBuilder kernel_;
  int64_t images_ = 1, rows_ = 1;  // of a block of pixels
  MacroTile macro_;
  int64_t parts_ = 1;
  MemoryRef x_, dy_, dw_, acc_;
  int buffer_ = -1;
  Expr to_n_, to_h_, ahead_, first_;
  Expr part_, panel_, block_, in_block_;
  std::pair<Expr, Expr> of_panels_, of_blocks_;  // first and end of a task's
};

}  // namespace

void lower_weight_grad(Lowering& lowering, const WeightGrad& conv) {
  WeightGradKernel(lowering, conv).lower();
}

}  // namespace rnc
