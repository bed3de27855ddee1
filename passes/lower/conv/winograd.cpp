#include "passes/lower/conv/winograd.h"

#include <fmt/format.h>

#include <algorithm>

#include "passes/lower/channel_reductions.h"
#include "passes/lower/conv/winograd_transforms.h"
#include "passes/lower/fused.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

constexpr int64_t kTilesPerTask = 28;                  // enough to use each transformed weight often
constexpr int64_t kTransformedWeightBytes = 12 << 20;  // more would not stay in the last-level cache
constexpr int kUnrolledFmas = 120;

class WinogradKernel {
 public:
  WinogradKernel(Lowering& lowering, const Group& group, const DirectConv& conv, int m)
      : lowering_(lowering),
        conv_(conv),
        m_(m),
        a_(m + 2),
        lanes_(lowering.lanes()),
        panels_(ceil_div(conv.out_channels, lanes_ * conv.vectors)),
        blocks_(ceil_div(conv.in_channels, lanes_)),
        tiles_h_(ceil_div(conv.out_h, m)),
        tiles_w_(ceil_div(conv.out_w, m)),
        images_(std::max<int64_t>(1, kTilesPerTask / (tiles_h_ * tiles_w_))),
        row_parts_(choose_row_parts()),
        kernel_(fmt::format("winograd{}_{}_{}_{}x{}", m, conv.in_channels, conv.out_channels, conv.out_h,
                            conv.out_w)),
        code_(lowering, kernel_, group, conv.out, lowering.type(conv.out), out_view()),
        reductions_(lowering, kernel_, group, 1, {0, row_parts_}, panels_ * conv.vectors,
                    loops::Space::scratch) {
    tile_rows_ = ceil_div(tiles_h_, row_parts_);
    tiles_ = images_ * tile_rows_ * tiles_w_;
    x_ = lowering.view(kernel_, "x", conv.in,
                       {{0, 1}, {blocks_, 0}, {conv.in_h, 0}, {conv.in_w, 0}, {lanes_, 0}}, Access::read);
    if (conv.bias != kNoValue) {
      bias_ = lowering.view(kernel_, "bias", conv.bias, {channel_extent(conv.out_channels, lanes_)},
                            Access::read);
    }
  }

  void lower(bool flipped) {
    const int weights = transform_weights(flipped);
    u_ = kernel_.param("u", weights, Scalar::f32, u_dims(), Access::read);
    Body body(kernel_.names());
    n0_ = body.let("n", loops::task() / row_parts_);
    row0_ = body.let("row0", loops::task() % row_parts_ * tile_rows_);
    v_ = body.alloc("v", Scalar::f32, {a_ * a_, blocks_, tiles_, lanes_}, loops::Space::scratch);
    products_ =
        body.alloc("products", Scalar::f32, {a_ * a_, conv_.vectors, tiles_, lanes_}, loops::Space::scratch);
    reductions_.begin_task(body);
    // Several images share a task where maps are small: the task of the first of them does the work.
    Expr first;
    if (images_ > 1) first = loops::binary(loops::Binary::eq, n0_ % images_, 0);
    body.when(first, [&](Body& b) {
      b.comment("input transform");
      b.loop("cb", 0, blocks_, 1, [&](Body& c, Expr cb) {
        each_tile(c, [&](Body& d, Expr n, Expr h, Expr w, Expr t) { input_tile(d, n, h, w, t, cb); });
      });
      b.loop("panel", 0, panels_, 1, [&](Body& c, Expr panel) {
        c.comment("products");
        c.loop("x", 0, a_ * a_, 1, [&](Body& d, Expr x) { multiply(d, panel, x); });
        c.comment("output transform");
        for (int o = 0; o < conv_.vectors; ++o) output(c, panel, o);
      });
    });
    reductions_.end_task(body);
    loops::Work work = conv_.work;
    work.algorithm = fmt::format("winograd {}x{}", m_, m_);
    work.bytes.per_sample = conv_.out_channels * conv_.out_h * conv_.out_w * code_.bytes_per_element() +
                            4 * conv_.in_channels * conv_.in_h * conv_.in_w;
    work.bytes.fixed = 4 * a_ * a_ * conv_.in_channels * conv_.out_channels;
    lowering_.call(kernel_, {0, row_parts_}, body, conv_.out, work, code_.in_place());
    reductions_.finish();
  }

 private:
  std::vector<Extent> out_view() const {
    return {
        {0, 1}, {ceil_div(conv_.out_channels, lanes_), 0}, {conv_.out_h, 0}, {conv_.out_w, 0}, {lanes_, 0}};
  }
  std::vector<Extent> u_dims() const {
    return {{panels_, 0}, {a_ * a_, 0}, {blocks_, 0}, {lanes_, 0}, {conv_.vectors * lanes_, 0}};
  }
  // Large maps: several tasks per image, each with whole rows of tiles.
  int64_t choose_row_parts() const {
    return std::clamp<int64_t>(tiles_h_ * tiles_w_ / kTilesPerTask, 1, tiles_h_);
  }

  // G g G^T of every pair of channels, laid out as the products read it.
  int transform_weights(bool flipped) {
    const int64_t panel_size = conv_.vectors * lanes_;
    const int64_t floats = panels_ * a_ * a_ * blocks_ * lanes_ * panel_size;
    const int buffer = lowering_.temporary("transformed weights", {4 * floats, 0});
    KernelBuilder kernel(fmt::format("winograd{}_weights", m_));
    const auto w =
        kernel.param("w", conv_.weight, Scalar::f32,
                     {{panels_, 0}, {blocks_, 0}, {9, 0}, {lanes_, 0}, {panel_size, 0}}, Access::read);
    const auto u = kernel.param("u", buffer, Scalar::f32, u_dims(), Access::write);
    Body body(kernel.names());
    const Expr panel = body.let("panel", loops::task() / blocks_),
               cb = body.let("cb", loops::task() % blocks_);
    body.loop("i", 0, lanes_, 1, [&](Body& b, Expr i) {
      b.loop("o", 0, panel_size, lanes_, [&](Body& c, Expr o) {
        Vectors taps;
        for (int t = 0; t < 9; ++t) {
          taps.push_back(c.let("w", loops::load(w, {panel, cb, flipped ? 8 - t : t, i, o}, lanes_, 4)));
        }
        const Vectors transformed = winograd_2d(c, m_, winograd_weight, taps, 3);
        for (size_t x = 0; x < transformed.size(); ++x) {
          c.store(u, {panel, static_cast<int64_t>(x), cb, i, o}, transformed[x], 4);
        }
      });
    });
    lowering_.call(
        kernel, {panels_ * blocks_, 0}, body, conv_.out,
        {{}, {4 * floats + 36 * conv_.in_channels * conv_.out_channels, 0}, "", conv_.work.direction});
    return buffer;
  }

  // Visits the task's tiles: image, first row and column of its outputs, and its number. Images past the
  // batch's end repeat the last one; rows past the map's end do not exist.
  void each_tile(Body& body, const std::function<void(Body&, Expr n, Expr h, Expr w, Expr t)>& visit) {
    const auto rows = [&](Body& b, Expr g) {
      const Expr n = images_ == 1 ? n0_ : b.let("image", loops::min(n0_ + g, loops::batch() - 1));
      b.loop("th", 0, tile_rows_, 1, [&](Body& c, Expr th) {
        c.loop("tw", 0, tiles_w_, 1, [&](Body& d, Expr tw) {
          const Expr h = d.let("h", (row0_ + th) * m_), w = d.let("w", tw * m_);
          visit(d, n, h, w, d.let("tile", (g * tile_rows_ + th) * tiles_w_ + tw));
        });
      });
    };
    images_ == 1 ? rows(body, 0) : body.loop("g", 0, images_, 1, rows);
  }

  static Expr both(const Expr& a, const Expr& b) { return loops::binary(loops::Binary::logic_and, a, b); }

  // B^T d B of one tile of one block of channels.
  void input_tile(Body& body, Expr n, Expr h, Expr w, Expr t, Expr cb) {
    const Expr h0 = body.let("h0", h - 1), w0 = body.let("w0", w - 1);
    winograd_load(body, x_, a_, n, cb, h0, w0, {}, [&](Body& b, const Vectors& square) {
      const Vectors result = winograd_2d(b, m_, winograd_input, square, a_);
      for (size_t x = 0; x < result.size(); ++x)
        b.store(v_, {static_cast<int64_t>(x), cb, t, 0}, result[x], 3);
    });
  }

  // products[x] = U[x] V[x] for one panel of outputs: a matrix product in register tiles of vectors by tiles.
  void multiply(Body& body, Expr panel, Expr x) {
    const int64_t limit = (lowering_.target().vector_registers - 1 - conv_.vectors) / conv_.vectors;
    const int64_t parts = ceil_div(tiles_, std::max<int64_t>(limit, 1));
    const int64_t larger = tiles_ % parts, size = tiles_ / parts;
    const auto run = [&](int64_t begin, int64_t count, int64_t tiles) {
      if (count == 0) return;
      body.loop("t", begin, begin + count * tiles, tiles,
                [&](Body& b, Expr t0) { product_tile(b, panel, x, t0, tiles); });
    };
    run(0, larger, size + 1);
    run(larger * (size + 1), parts - larger, size);
  }

  void product_tile(Body& body, Expr panel, Expr x, Expr t0, int64_t tiles) {
    const auto acc = body.alloc("acc", Scalar::f32, {conv_.vectors, tiles, lanes_}, loops::Space::registers);
    const auto each = [&](const std::function<void(Body&, int, Expr)>& visit) {
      for (int o = 0; o < conv_.vectors; ++o) {
        body.unrolled("p", 0, tiles, [&](Body& b, Expr p) { visit(b, o, p); });
      }
    };
    each([&](Body& b, int o, Expr p) { b.store(acc, {o, p, 0}, zeros(lanes_), 2); });
    int64_t unroll = lanes_;
    while (unroll > 1 && unroll * conv_.vectors * tiles > kUnrolledFmas) unroll /= 2;
    body.loop("cb", 0, blocks_, 1, [&](Body& b, Expr cb) {
      b.loop("i", 0, lanes_, unroll, [&](Body& c, Expr i0) {
        c.unrolled("k", 0, unroll, [&](Body& d, Expr k) {
          const Expr i = i0 + k;
          Vectors weights;
          for (int o = 0; o < conv_.vectors; ++o) {
            weights.push_back(d.let("u", loops::load(u_, {panel, x, cb, i, o * lanes_}, lanes_, 4)));
          }
          d.unrolled("p", 0, tiles, [&](Body& e, Expr p) {
            const Expr input = e.let("v", loops::broadcast(loops::load(v_, {x, cb, t0 + p, i}), lanes_));
            for (int o = 0; o < conv_.vectors; ++o) {
              const Expr sum = loops::load(acc, {o, p, 0}, lanes_, 2);
              e.store(acc, {o, p, 0}, loops::fma(input, weights[static_cast<size_t>(o)], sum), 2);
            }
          });
        });
      });
    });
    each([&](Body& b, int o, Expr p) {
      b.store(products_, {x, o, t0 + p, 0}, loops::load(acc, {o, p, 0}, lanes_, 2), 3);
    });
  }

  // A^T products A of every tile of one vector of output channels, and the fused code on the pixels inside
  // the map.
  void output(Body& body, Expr panel, int o) {
    const Expr block = body.let("block", panel * conv_.vectors + o);
    const Expr bias = bias_ ? body.let("b", loops::load(bias_, {block * lanes_}, lanes_, 0)) : Expr();
    const FusedCode::Values channels = code_.channels(body, block * lanes_, lanes_, true);
    each_tile(body, [&](Body& b, Expr n, Expr h, Expr w, Expr t) {
      Expr exists;  // the tile is of an image of the batch, and of a row of the map
      if (images_ > 1) exists = loops::less_equal(n0_ + t / (tile_rows_ * tiles_w_), loops::batch() - 1);
      if (tile_rows_ * row_parts_ != tiles_h_) exists = loops::less(h, conv_.out_h);
      b.when(exists, [&](Body& c) {
        Vectors square;
        for (int x = 0; x < a_ * a_; ++x) {
          square.push_back(c.let("q", loops::load(products_, {x, o, t, 0}, lanes_, 3)));
        }
        Vectors pixels = winograd_2d(c, m_, winograd_output, square, a_);
        for (Expr& y : pixels) y = bias ? c.let("y", y + bias) : y;
        store_tile(c, channels, pixels, n, block, h, w);
      });
    });
  }

  void store_tile(Body& body, const FusedCode::Values& channels, const Vectors& pixels, Expr n, Expr block,
                  Expr h, Expr w) {
    const auto at = [&](Body& b, int i, int j, FusedCode::Values& values, bool store) {
      values[conv_.out] = pixels[static_cast<size_t>(i * m_ + j)];
      code_.at(b, {{n, block, h + i, w + j, 0}, lanes_, 4, {}}, values, store);
    };
    FusedCode::Values first = channels;
    if (reductions_.needs_first()) at(body, 0, 0, first, false);
    reductions_.begin_chunk(body, first);
    for (int i = 0; i < m_; ++i) {
      for (int j = 0; j < m_; ++j) {
        Expr inside;
        if (i > 0 && conv_.out_h % m_ != 0) inside = loops::less(h + i, conv_.out_h);
        if (j > 0 && conv_.out_w % m_ != 0) {
          const Expr column = loops::less(w + j, conv_.out_w);
          inside = inside ? both(inside, column) : column;
        }
        body.when(inside, [&](Body& b) {
          FusedCode::Values values = channels;
          at(b, i, j, values, true);
          reductions_.add(b, values);
        });
      }
    }
    reductions_.end_chunk(body, block, loops::min(m_, conv_.out_h - h) * loops::min(m_, conv_.out_w - w));
  }

  Lowering& lowering_;
  const DirectConv& conv_;
  int m_, a_, lanes_;
  int64_t panels_, blocks_, tiles_h_, tiles_w_;
  int64_t images_;                     // per task, where a map has few tiles
  int64_t row_parts_;                  // tasks per image, where it has many
  int64_t tile_rows_ = 1, tiles_ = 1;  // per task
  KernelBuilder kernel_;
  FusedCode code_;
  ChannelReductions reductions_;
  MemoryRef x_, u_, bias_, v_, products_;
  Expr n0_, row0_;
};

}  // namespace

int winograd_tile(const ConvShape& shape, bool forward, const TargetInfo& target) {
  const auto three = [](const ConvShape::Axis& a) {
    return a.kernel == 3 && a.stride == 1 && a.pad == 1 && a.dilation == 1;
  };
  if (!target.winograd || !three(shape.h) || !three(shape.w) || shape.groups > 1) return 0;
  if (std::min(shape.channels, shape.outputs) < 16) return 0;
  const int64_t size = std::min(shape.h.out, shape.w.out);
  // The tile that wastes least at the rim.
  const int m = forward ? 2 : size % 4 == 0 || size >= 10 ? 4 : size % 3 == 0 ? 3 : 2;
  if (size < 4 || shape.channels * shape.outputs * (m + 2) * (m + 2) * 4 > kTransformedWeightBytes) return 0;
  return m;
}

void lower_winograd(Lowering& lowering, const Group& group, const DirectConv& conv, int m, bool flipped) {
  WinogradKernel(lowering, group, conv, m).lower(flipped);
}

}  // namespace rnc
