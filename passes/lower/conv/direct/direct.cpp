#include "passes/lower/conv/direct/direct.h"

#include <algorithm>

#include "passes/lower/channel_reductions.h"
#include "passes/lower/conv/direct/grouped.h"
#include "passes/lower/conv/direct/task_order.h"
#include "passes/lower/fused.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// FMAs in the innermost loop, at most: LLVM moves the loads of all its steps about, and where 28 accumulators
// take two steps of 28 it keeps one in memory.
constexpr int kUnrolledFmas = 54;
// Products added up in registers before their sum joins the others in memory: rounding errors grow with the
// square root of the terms added in a row (blocked summation, see winograd.cpp). A 1x1 kernel has few
// products per block of inputs to hide that behind.
constexpr int64_t kSummedProducts = 320;
constexpr int64_t kSummedPointwise = 1024;
// Bytes of a row that a tile of a depthwise convolution reads or writes. Memory decides its time: tiles so narrow take
// the rows of a kernel nearly in the order of memory, which the processor fetches ahead by itself.
constexpr int64_t kStreamedBytes = 512;

// Makes a segment of its own of the first tile.
void split_first(std::vector<Segment>& segments) {
  Segment first = segments.front();
  segments.front().begin += first.pixels;
  --segments.front().tiles;
  first.tiles = 1;
  segments.insert(segments.begin(), first);
}

class DirectKernel {
 public:
  DirectKernel(Lowering& lowering, const Group& group, const DirectConv& conv, KernelBuilder& kernel)
      : lowering_(lowering),
        conv_(conv),
        lanes_(lowering.lanes()),
        in_lanes_(conv.plain_input ? 1 : lanes_),
        weight_lanes_(conv.weight_lanes(lanes_)),
        panels_(ceil_div(conv.out_channels, lanes_ * conv.vectors)),
        order_(choose_task_order(conv, lowering.target())),
        row_chunks_(ceil_div(grid_rows(conv), order_.rows)),
        kernel_(kernel),
        code_(lowering, kernel_, group, conv.out, lowering.type(conv.out), out_view()),
        reductions_(lowering, kernel_, group, panels_, {0, row_chunks_}, conv.vectors,
                    loops::Space::scratch) {
    const int64_t in_blocks = ceil_div(conv.in_channels, in_lanes_);
    std::vector<Extent> in_dims = {{0, 1}, {in_blocks, 0}, {conv.in_h, 0}, {conv.in_w, 0}};
    if (!conv.plain_input) in_dims.push_back({lanes_, 0});
    in_ = lowering.view(kernel_, "x", conv.in, in_dims, Access::read);
    const int paired = conv.pairs ? 2 : 1;
    weight_ = kernel_.param("w", conv.weight, conv.pairs ? Scalar::bf16 : Scalar::f32,
                            {{panels_, 0},
                             {conv.in_blocks, 0},
                             {conv.kernel_taps, 0},
                             {weight_lanes_ / paired, 0},
                             {paired * conv.vectors * lanes_, 0}},
                            Access::read);
    if (conv.bias != kNoValue) {
      bias_ = lowering.view(kernel_, "bias", conv.bias, {channel_extent(conv.out_channels, lanes_)},
                            Access::read);
    }
  }

  Extent tasks() const { return {0, panels_ * row_chunks_}; }

  void lower(ValueId of) {
    Body body(kernel_.names());
    emit(body, loops::task());
    loops::Work work = conv_.work;
    const int64_t out = conv_.out_channels * conv_.out_h * conv_.out_w;
    work.bytes.per_sample +=
        out * code_.bytes_per_element() + bytes(in_->scalar) * conv_.in_channels * conv_.in_h * conv_.in_w;
    work.bytes.fixed += weight_bytes(conv_, lanes_);
    lowering_.call(kernel_, tasks(), body, of, work, code_.in_place({conv_.in}));
    reductions_.finish();
  }

  void emit(Body& body, Expr task) {
    const Expr per_panel = body.let("per_panel", lowering_.images() * row_chunks_);
    panel_ = body.let("panel", order_.image_major ? task % panels_ : task / per_panel);
    const Expr rest = body.let("rest", order_.image_major ? task / panels_ : task % per_panel);
    n_ = body.let("n", rest / row_chunks_);
    const Expr chunk = body.let("chunk", rest % row_chunks_);
    first_block_ = body.let("first", first_block(conv_, panel_, lanes_));
    reductions_.begin_task(body);
    const Expr begin = chunk * order_.rows;
    const auto rows = [&](int64_t grid, const Body::FillLoop& fill) {
      const Expr end = row_chunks_ == 1 ? Expr(grid) : loops::min(begin + order_.rows, grid);
      body.loop("h", begin, end, 1, fill);
    };
    if (streams()) {
      const int64_t most = grid_rows(conv_);
      rows(most, [&](Body& b, Expr q) {
        for (const auto& [h, w] : conv_.grids) {
          const Expr inside = h.grid < most ? loops::less(q, h.grid) : Expr();
          b.when(inside, [&, &h = h, &w = w](Body& c) { row(c, h, w, q); });
        }
      });
    } else {
      for (const auto& [h, w] : conv_.grids)
        rows(h.grid, [&, &h = h, &w = w](Body& b, Expr q) { row(b, h, w, q); });
    }
    reductions_.end_task(body, panel_ * per_panel + rest);
  }

 private:
  bool streams() const { return rnc::streams(conv_.spread, conv_.kernel_taps); }
  bool prefetches_rows(const GridAxis& h, const GridAxis& w) const {
    return !streams() || asks_for_rows(h.taps * w.taps, h.step * w.step, lanes_);
  }

  std::vector<Extent> out_view() const {
    return {
        {0, 1}, {ceil_div(conv_.out_channels, lanes_), 0}, {conv_.out_h, 0}, {conv_.out_w, 0}, {lanes_, 0}};
  }

  // Pixels of a tile, at most.
  int64_t tile_limit(const GridAxis& w) const {
    const int64_t registers = lowering_.target().vector_registers;
    const int64_t held = conv_.spread > 0 ? conv_.spread + 1 : conv_.vectors;  // weights and inputs
    const int64_t most = std::max<int64_t>((registers - 1 - held) / conv_.vectors, 1);
    if (!streams()) return most;
    const int64_t columns = kStreamedBytes / (kFloatBytes * lanes_);
    int64_t pixels = std::clamp<int64_t>(columns / std::max(w.step, w.out_step), 1, most);
    // The columns that several taps read stay in registers, too.
    while (pixels > 1 && pixels + (pixels - 1) * w.step + w.taps + 1 > registers) --pixels;
    return pixels;
  }

  void row(Body& body, const GridAxis& h, const GridAxis& w, Expr q) {
    if (streams()) reductions_.hold_chunk(body);  // the whole row
    std::vector<Segment> segments = split_row(w, tile_limit(w));
    if (streams() && !reductions_.empty() && segments.front().tiles > 1) split_first(segments);
    for (const Segment& s : segments) {
      if (s.tiles == 1) {
        tile(body, h, w, q, s.begin, s);
      } else {
        body.loop("w", s.begin, s.begin + s.tiles * s.pixels, s.pixels,
                  [&](Body& b, Expr q_w) { tile(b, h, w, q, q_w, s); });
      }
    }
    if (streams()) reductions_.end_chunk(body, 0, w.grid);
  }

  void tile(Body& body, const GridAxis& h, const GridAxis& w, Expr q_h, Expr q_w, const Segment& s) {
    acc_ = body.alloc("acc", Scalar::f32, {conv_.vectors, s.pixels, lanes_}, loops::Space::registers);
    body.unrolled("o", 0, conv_.vectors, [&](Body& b, Expr o) {
      const Expr start = bias_ ? b.let("b", loaded(bias_, {(panel_ * conv_.vectors + o) * lanes_}, lanes_, 0))
                               : zeros(lanes_);
      b.unrolled("p", 0, s.pixels, [&](Body& c, Expr p) { c.store(acc_, {o, p, 0}, start, 2); });
    });
    if (h.taps > 0 && w.taps > 0) sum(body, h, w, q_h, q_w, s);
    body.unrolled("o", 0, conv_.vectors, [&](Body& b, Expr o) { epilogue(b, h, w, q_h, q_w, s, o); });
  }

  // acc += the products of all input channels and taps.
  void sum(Body& body, const GridAxis& h, const GridAxis& w, Expr q_h, Expr q_w, const Segment& s) {
    const int64_t positions = h.taps * w.taps;
    const int64_t terms = positions == 1 ? kSummedPointwise : kSummedProducts;
    const int64_t step = std::max<int64_t>(terms / (positions * weight_lanes_), 1);
    const auto blocks = [&](Body& b, Expr begin, Expr end) {
      b.loop("cb", begin, end, 1, [&](Body& c, Expr cb) {
        if (!streams()) prefetch(c, h, w, q_h, q_w, s, cb);
        taps(c, h, w, q_h, q_w, s, cb);
      });
    };
    if (conv_.in_blocks <= step) return blocks(body, 0, conv_.in_blocks);
    const auto total =
        body.alloc("total", Scalar::f32, {conv_.vectors, s.pixels, lanes_}, loops::Space::scratch);
    const auto each = [&](Body& b, const std::function<void(Body&, std::vector<Expr>)>& visit) {
      b.unrolled("o", 0, conv_.vectors, [&](Body& c, Expr o) {
        c.unrolled("p", 0, s.pixels, [&](Body& d, Expr p) { visit(d, {o, p, 0}); });
      });
    };
    each(body, [&](Body& b, const std::vector<Expr>& at) {
      b.store(total, at, loaded(acc_, at, lanes_, 2), 2);
      b.store(acc_, at, zeros(lanes_), 2);
    });
    body.loop("part", 0, conv_.in_blocks, step, [&](Body& b, Expr part) {
      blocks(b, part, conv_.in_blocks % step == 0 ? part + step : loops::min(part + step, conv_.in_blocks));
      each(b, [&](Body& c, const std::vector<Expr>& at) {
        c.store(total, at, loaded(total, at, lanes_, 2) + loaded(acc_, at, lanes_, 2), 2);
        c.store(acc_, at, zeros(lanes_), 2);
      });
    });
    each(body,
         [&](Body& b, const std::vector<Expr>& at) { b.store(acc_, at, loaded(total, at, lanes_, 2), 2); });
  }

  // While a tile takes block `cb`, asks for what the next one in the row will: its pixels of that block, in
  // the first task that reads them (of a 1x1 kernel; others find most of them near), and, some pixels with
  // each block, what is fused into its epilogue.
  void prefetch(Body& body, const GridAxis& h, const GridAxis& w, Expr q_h, Expr q_w, const Segment& s,
                Expr cb) {
    const Expr next = q_w + s.pixels;
    if (h.taps == 1 && w.taps == 1 && !conv_.plain_input) {
      body.when(first_to_read(), [&](Body& b) {
        b.unrolled("p", 0, s.pixels, [&](Body& c, Expr p) {
          const Expr row = q_h * h.step + h.first, column = (next + p) * w.step + w.first;
          c.add(loops::prefetch(in_, {n_, first_block_ + cb, row, column, 0}));
        });
      });
    }
    if (!code_.reads()) return;
    const int64_t pixels = ceil_div(s.pixels, conv_.in_blocks);
    const Expr more = conv_.in_blocks > s.pixels ? loops::less(cb, s.pixels) : Expr();
    body.when(more, [&](Body& b) {
      for (int o = 0; o < conv_.vectors; ++o) {
        b.unrolled("p", 0, pixels, [&](Body& c, Expr p) {
          const Expr row = q_h * h.out_step + h.out_phase;
          const Expr column = (next + cb * pixels + p) * w.out_step + w.out_phase;
          code_.prefetch(c, {n_, panel_ * conv_.vectors + o, row, column, 0});
        });
      }
    });
  }

  // The tasks that read pixels for the first time: the first panel's, where the others follow it.
  Expr first_to_read() const {
    const bool once = order_.image_major && conv_.outputs_per_group == 0;
    return once ? loops::binary(loops::Binary::eq, panel_, 0) : Expr();
  }

  // While a tile takes row `ih` of the input in tap t, asks for the one that the tile below takes there,
  // unless this tile reads it too. Taps from w.step on read pixels that those before them ask for.
  void prefetch_row_below(Body& body, const GridAxis& h, const GridAxis& w, Expr ih, Expr q_w,
                          const Segment& s, Expr cb, Expr t, int64_t tap) {
    if (h.taps * w.taps == 1 || conv_.plain_input) return;
    const int64_t ahead = h.step % h.tap_step == 0 ? h.step / h.tap_step : h.taps;  // in taps
    Expr fresh = first_to_read();
    if (std::abs(ahead) < h.taps) {
      const Expr unread = ahead > 0 ? loops::less_equal(h.taps - ahead, t) : loops::less(t, -ahead);
      fresh = fresh ? loops::binary(loops::Binary::logic_and, fresh, unread) : unread;
    }
    body.when(fresh, [&](Body& b) {
      b.unrolled("p", 0, s.pixels, [&](Body& c, Expr p) {
        const Expr column = (q_w + p) * w.step + (w.first + tap * w.tap_step);
        c.add(loops::prefetch(in_, {n_, first_block_ + cb, ih + h.step, column, 0}));
      });
    });
  }

  void taps(Body& body, const GridAxis& h, const GridAxis& w, Expr q_h, Expr q_w, const Segment& s, Expr cb) {
    const auto one = [&](Body& b, Expr t) {
      const Expr ih = b.let("ih", q_h * h.step + t * h.tap_step + h.first);
      Expr inside;
      if (!h.always_inside()) {
        inside = loops::binary(loops::Binary::logic_and, loops::less_equal(0, ih), loops::less(ih, h.in));
      }
      b.when(inside, [&](Body& c) {
        for (int64_t tap = 0; tap < w.taps; ++tap) {
          if (tap < w.step && prefetches_rows(h, w)) prefetch_row_below(c, h, w, ih, q_w, s, cb, t, tap);
          const Expr index =
              (t * h.tap_index_step + h.tap0) * conv_.kernel_w + (w.tap0 + tap * w.tap_index_step);
          one_tap(c, w, ih, q_w, s, cb, tap, index);
        }
      });
    };
    if (h.taps == 1) {
      one(body, 0);
    } else if (streams()) {
      body.unrolled("kh", 0, h.taps, one);
    } else {
      body.loop("kh", 0, h.taps, 1, one);
    }
  }

  // acc += in(tap) * w(tap) over one block of input channels, for the pixels whose tap is inside.
  void one_tap(Body& body, const GridAxis& w, Expr ih, Expr q_w, const Segment& s, Expr cb, int64_t tap,
               Expr index) {
    int64_t low = 0, high = s.pixels;
    if (!s.inside) {
      while (low < high && w.at(s.begin + low, tap) < 0) ++low;
      while (low < high && w.at(s.begin + high - 1, tap) >= w.in) --high;
    }
    if (low == high) return;
    const auto place = [&](Expr p, Expr lane) {
      std::vector<Expr> at = {n_, first_block_ + cb, ih, (q_w + p) * w.step + (w.first + tap * w.tap_step)};
      if (!conv_.plain_input) at.push_back(lane);
      return at;
    };
    if (conv_.spread > 0) return one_spread_tap(body, place, cb, index, low, high);
    const int together = conv_.pairs ? 2 : 1;  // inputs whose products are added at a time
    const int64_t steps = in_lanes_ / together;
    int64_t unroll = steps;
    while (unroll > 1 && unroll * conv_.vectors * s.pixels > kUnrolledFmas) unroll /= 2;
    const auto channels = [&](Body& b, Expr i0) {
      b.unrolled("u", 0, unroll, [&](Body& c, Expr u) {
        const Expr i = i0 + u;
        std::vector<Expr> weights;
        for (int o = 0; o < conv_.vectors; ++o) {
          const int lanes = together * lanes_;
          weights.push_back(c.let("w", loops::load(weight_, {panel_, cb, index, i, o * lanes}, lanes, 4)));
        }
        c.unrolled("p", low, high, [&](Body& d, Expr p) {
          const Expr x = d.let("x", conv_.pairs ? loops::load(in_, place(p, i * 2), 2, 4)
                                                : loops::broadcast(loaded(in_, place(p, i)), lanes_));
          for (int o = 0; o < conv_.vectors; ++o) {
            const Expr& w = weights[static_cast<size_t>(o)];
            const Expr sum = loaded(acc_, {o, p, 0}, lanes_, 2);
            d.store(acc_, {o, p, 0}, conv_.pairs ? loops::dot_pairs(w, x, sum) : loops::fma(x, w, sum), 2);
          }
        });
      });
    };
    unroll == steps ? channels(body, 0) : body.loop("i", 0, steps, unroll, channels);
  }

  // The same where every lane sums the inputs of its own group.
  void one_spread_tap(Body& body, const std::function<std::vector<Expr>(Expr, Expr)>& place, Expr cb,
                      Expr index, int64_t low, int64_t high) {
    std::vector<Expr> weights;
    for (int64_t i = 0; i < conv_.spread; ++i) {
      weights.push_back(body.let("w", loaded(weight_, {panel_, cb, index, i, 0}, lanes_, 4)));
    }
    body.unrolled("p", low, high, [&](Body& b, Expr p) {
      const Expr block = b.let("x", loaded(in_, place(p, 0), lanes_, 4));
      Expr sum = loaded(acc_, {0, p, 0}, lanes_, 2);
      for (int i = 0; i < conv_.spread; ++i) {
        const Expr x = loops::spread(block, static_cast<int>(conv_.spread), i);
        sum = loops::fma(x, weights[static_cast<size_t>(i)], sum);
      }
      b.store(acc_, {0, p, 0}, sum, 2);
    });
  }

  void epilogue(Body& body, const GridAxis& h, const GridAxis& w, Expr q_h, Expr q_w, const Segment& s,
                Expr o) {
    const Expr block = panel_ * conv_.vectors + o;
    const FusedCode::Values channels = code_.channels(body, block * lanes_, lanes_, true);
    const auto at = [&](Body& b, Expr p, FusedCode::Values& values, bool store) {
      values[conv_.out] = b.let("y", loaded(acc_, {o, p, 0}, lanes_, 2));
      const Expr row = q_h * h.out_step + h.out_phase, column = (q_w + p) * w.out_step + w.out_phase;
      code_.at(b, {{n_, block, row, column, 0}, lanes_, 4, {}}, values, store);
    };
    FusedCode::Values first = channels;
    if (reductions_.needs_first() && (!streams() || s.begin == 0)) at(body, 0, first, false);
    if (!streams()) reductions_.hold_chunk(body);
    if (!streams() || s.begin == 0) reductions_.start_chunk(body, first);
    body.unrolled("p", 0, s.pixels, [&](Body& b, Expr p) {
      FusedCode::Values values = channels;
      at(b, p, values, true);
      reductions_.add(b, values);
    });
    if (!streams()) reductions_.end_chunk(body, o, s.pixels);
  }

  Lowering& lowering_;
  const DirectConv& conv_;
  int lanes_, in_lanes_;
  int64_t weight_lanes_;
  int64_t panels_;
  TaskOrder order_;
  int64_t row_chunks_;
  KernelBuilder& kernel_;
  FusedCode code_;
  ChannelReductions reductions_;
  MemoryRef in_, weight_, bias_, acc_;
  Expr panel_, n_, first_block_;
};

}  // namespace

void lower_direct(Lowering& lowering, const Group& group, const DirectConv& conv) {
  KernelBuilder kernel(conv.name);
  DirectKernel(lowering, group, conv, kernel).lower(conv.out);
}

DirectPart direct_part(Lowering& lowering, const Group& group, const DirectConv& conv,
                       KernelBuilder& kernel) {
  const auto part = std::make_shared<DirectKernel>(lowering, group, conv, kernel);
  return {part->tasks(), [part](Body& body, Expr task) { part->emit(body, task); }};
}

}  // namespace rnc
