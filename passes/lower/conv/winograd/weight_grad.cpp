#include "passes/lower/conv/winograd/weight_grad.h"

#include <fmt/format.h>

#include <algorithm>

#include "passes/lower/conv/direct/task_shares.h"
#include "passes/lower/conv/direct/weight_grad_result.h"
#include "passes/lower/conv/winograd/products.h"
#include "passes/lower/conv/winograd/tiles.h"
#include "passes/lower/conv/winograd/winograd.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// Parts of the batch, each with sums of its own, which are added in order at the end: so many, but fewer
// where all sums together would not stay in the last level of cache.
constexpr int64_t kMostParts = 8;
constexpr int64_t kAllSums = 10;  // second-level caches
constexpr int64_t kTilesPerBlock =
    28;                       // tiles transformed at a time, about; their sums are added to memory once
constexpr int64_t kSums = 5;  // halves of the second-level cache: more sums of one part would not stay near

class WinogradWeightGrad {
 public:
  WinogradWeightGrad(Lowering& lowering, const Group& group, const WeightGrad& conv, int m)
      : lowering_(lowering),
        group_(group),
        conv_(conv),
        f_(filtering(conv.shape, m)),
        positions_(f_.positions() * f_.positions()),
        weights_(f_.weights() * f_.weights()),
        lanes_(lowering.lanes()),
        panels_(ceil_div(conv.shape.outputs, lanes_ * conv.vectors)),
        blocks_(ceil_div(conv.shape.channels, lanes_)),
        parts_(std::clamp<int64_t>(kAllSums * lowering.target().l2_bytes / (kFloatBytes * sum_floats()), 1,
                                   kMostParts)),
        tiles_h_(ceil_div(conv.shape.h.out, m)),
        tiles_w_(ceil_div(conv.shape.w.out, m)),
        kernel_(fmt::format("{}_weight_grad_{}_{}_{}x{}", kernel_prefix(f_), conv.shape.channels,
                            conv.shape.outputs, conv.shape.h.out, conv.shape.w.out)),
        x_(lowering, kernel_, group, "x", conv.x, map_view(conv.shape.channels, true)),
        dy_(lowering, kernel_, group, "dy", conv.dy, map_view(conv.shape.outputs, false)) {
    const int64_t tiles = kTilesPerBlock / f_.stride;
    images_ = std::max<int64_t>(1, tiles / (tiles_h_ * tiles_w_));
    tile_rows_ = ceil_div(tiles_h_, std::clamp<int64_t>(tiles_h_ * tiles_w_ / tiles, 1, tiles_h_));
    tiles_ = images_ * tile_rows_ * tiles_w_;
    buffer_ = lowering.temporary("transformed weight gradient", {kFloatBytes * parts_ * sum_floats(), 0});
    sums_ = kernel_.param("sums", buffer_, Scalar::f32, sum_dims(), Access::update);
  }

  void lower() {
    Body body(kernel_.names());
    const TaskShares shares(parts_, panels_, blocks_);
    share_ = shares.of_task(body);
    body.when(share_.works, [&](Body& b) { sum_products(b); });
    loops::Work work = conv_.work;
    const auto& s = conv_.shape;
    count_winograd(work, f_, s.channels * s.outputs, tiles_h_ * tiles_w_);
    work.bytes.per_sample = x_.bytes_per_element() * s.channels * s.h.in * s.w.in +
                            dy_.bytes_per_element() * s.outputs * s.h.out * s.w.out;
    work.bytes.fixed = kFloatBytes * parts_ * weights_ * s.channels * s.outputs;
    lowering_.call(kernel_, {shares.tasks(), 0}, body, conv_.of, work);
    finish();
  }

 private:
  // Sums the products of a task's share.
  void sum_products(Body& body) {
    const Expr begin = body.let("begin", share_.part * lowering_.images() / parts_);
    const Expr end = body.let("end", (share_.part + 1) * lowering_.images() / parts_);
    // A vector more after each plane, so that planes do not fall on the same cache lines.
    transformed_input_ =
        body.alloc("v", Scalar::f32, {positions_, blocks_ * tiles_ + 1, lanes_}, loops::Space::scratch);
    transformed_gradient_ = body.alloc(
        "e", Scalar::f32, {positions_, panels_ * conv_.vectors * tiles_ + 1, lanes_}, loops::Space::scratch);
    clear(body);
    body.loop("n0", begin, end, images_, [&](Body& b, Expr n0) {
      const Expr images = images_ == 1 ? Expr(1) : b.let("images", loops::min(images_, end - n0));
      b.loop("row0", 0, tiles_h_, tile_rows_, [&](Body& c, Expr row0) {
        const Expr rows = tiles_h_ % tile_rows_ == 0 ? Expr(tile_rows_)
                                                     : c.let("rows", loops::min(tile_rows_, tiles_h_ - row0));
        const Tiles tiles{n0, images, row0, rows};
        transform(c, tiles, x_, transformed_input_, share_.block0, share_.block1, f_.input(), winograd_input);
        transform(c, tiles, dy_, transformed_gradient_, share_.panel0 * conv_.vectors,
                  share_.panel1 * conv_.vectors, f_.output(), winograd_gradient);
        const Expr count = images * rows * tiles_w_;
        c.loop("weight", 0, weights_, 1, [&](Body& d, Expr weight) {
          each_pair(d, [&](Body& f, Expr panel, Expr cb) { multiply(f, weight, panel, cb, count); });
        });
      });
    });
  }

  int64_t sum_floats() const { return weights_ * panels_ * blocks_ * lanes_ * conv_.vectors * lanes_; }
  std::vector<Extent> map_view(int64_t channels, bool input) const {
    const ConvShape::Axis &h = conv_.shape.h, &w = conv_.shape.w;
    return {{0, 1},
            {ceil_div(channels, lanes_), 0},
            {input ? h.in : h.out, 0},
            {input ? w.in : w.out, 0},
            {lanes_, 0}};
  }
  std::vector<Extent> sum_dims() const {
    return {{parts_, 0}, {weights_, 0}, {panels_, 0}, {blocks_, 0}, {lanes_, 0}, {conv_.vectors * lanes_, 0}};
  }

  void each_pair(Body& body, const std::function<void(Body&, Expr panel, Expr cb)>& visit) {
    body.loop("panel", share_.panel0, share_.panel1, 1, [&](Body& b, Expr panel) {
      b.loop("cb", share_.block0, share_.block1, 1, [&](Body& c, Expr cb) { visit(c, panel, cb); });
    });
  }

  void clear(Body& body) {
    body.loop("x", 0, weights_, 1, [&](Body& a, Expr x) {
      each_pair(a, [&](Body& b, Expr panel, Expr cb) {
        b.loop("i", 0, lanes_, 1, [&](Body& c, Expr i) {
          for (int o = 0; o < conv_.vectors; ++o)
            c.store(sums_, {share_.part, x, panel, cb, i, o * lanes_}, zeros(lanes_), 5);
        });
      });
    });
  }

  // A block of tiles: `rows` rows of them from row0, of `images` maps from n0. Several maps are whole.
  struct Tiles {
    Expr n0, images, row0, rows;
  };

  // Transforms the squares of one operand for every tile of the block.
  void transform(Body& body, const Tiles& tiles, FusedInput& from, const MemoryRef& to, const Expr& first,
                 const Expr& last, const TilePixels& pixels, Transform by) {
    const auto map = [&](Body& b, Expr cb, Expr g) {
      const Expr n = images_ == 1 ? tiles.n0 : b.let("image", tiles.n0 + g);
      each_tile(b, tiles.rows, tiles_w_, [&](Body& c, Expr th, Expr tw, const Ahead& ahead) {
        const Expr t = c.let("tile", (g * tile_rows_ + th) * tiles_w_ + tw);
        TilePlace later{n, cb, tiles.row0 + ahead.row, tw};
        Expr& next = images_ == 1 ? later.cb : later.n;
        next = next + ahead.maps;
        winograd_load(c, from, pixels, {n, cb, tiles.row0 + th, tw}, later,
                      [&](Body& d, const Column& column) {
                        transform_square(d, f_, by, pixels.size, f_.positions(), column,
                                         [&](Body& e, Expr i, const Vectors& row) {
                                           for (int j = 0; j < f_.positions(); ++j)
                                             e.store(to, {i * f_.positions() + j, cb * tiles_ + t, 0},
                                                     row[static_cast<size_t>(j)], 2);
                                         });
                      });
      });
    };
    body.loop("cb", first, last, 1, [&](Body& b, Expr cb) {
      from.channels(b, cb * lanes_);
      images_ == 1 ? map(b, cb, 0) : b.loop("g", 0, tiles.images, 1, [&](Body& c, Expr g) { map(c, cb, g); });
    });
  }

  // Adds the products of one weight for one panel and block, of the first `count` tiles.
  void multiply(Body& body, Expr weight, Expr panel, Expr cb, Expr count) {
    WinogradSums sums{f_,
                      conv_.vectors,
                      lanes_,
                      lowering_.target().vector_registers,
                      transformed_input_,
                      transformed_gradient_,
                      sums_};
    using Index = WinogradSums::Index;
    sums.v_at = [&](const Expr& x, const Expr& t, const Expr& lane) {
      return Index{x, cb * tiles_ + t, lane};
    };
    sums.e_at = [&](const Expr& x, const Expr& t, int o) {
      return Index{x, (panel * conv_.vectors + o) * tiles_ + t, 0};
    };
    sums.sum_at = [&](const Expr& lane, int o) {
      return Index{share_.part, weight, panel, cb, lane, o * lanes_};
    };
    sums.add(body, weight, count);
  }

  // Adds the parts, transforms back and computes what the group makes of the result: one task per panel and
  // block.
  void finish() {
    const int64_t panel_size = conv_.vectors * lanes_;
    KernelBuilder kernel(fmt::format("{}_weight_grad_finish", kernel_prefix(f_)));
    const auto sums = kernel.param("sums", buffer_, Scalar::f32, sum_dims(), Access::read);
    WeightGradResult result(lowering_, kernel, group_, conv_);
    Body body(kernel.names());
    const Expr panel = body.let("panel", loops::task() / blocks_),
               cb = body.let("cb", loops::task() % blocks_);
    body.loop("i", 0, lanes_, 1, [&](Body& b, Expr i) {
      result.channel(b, cb * lanes_ + i);
      b.loop("o", 0, panel_size, lanes_, [&](Body& c, Expr o) {
        Vectors square;
        for (int x = 0; x < weights_; ++x) {
          Expr sum = loaded(sums, {0, x, panel, cb, i, o}, lanes_, 5);
          for (int64_t p = 1; p < parts_; ++p) sum = sum + loaded(sums, {p, x, panel, cb, i, o}, lanes_, 5);
          square.push_back(c.let("u", sum));
        }
        const Vectors taps =
            winograd_2d(c, f_, winograd_weight_gradient, winograd_scaled(c, f_, square), f_.weights());
        for (size_t t = 0; t < taps.size(); ++t) {
          result.store(c, {panel, cb, static_cast<int64_t>(t), i, o}, taps[t]);
        }
      });
    });
    const int64_t bytes = kFloatBytes * parts_ * weights_ + 9 * result.bytes_per_element();
    lowering_.call(kernel, {panels_ * blocks_, 0}, body, conv_.of,
                   {{}, {bytes * conv_.shape.channels * conv_.shape.outputs, 0}, "", "weight_grad"},
                   result.in_place());
  }

  Lowering& lowering_;
  const Group& group_;
  const WeightGrad& conv_;
  Filtering f_;
  int positions_, weights_, lanes_;
  int64_t panels_, blocks_, parts_, tiles_h_, tiles_w_;
  int64_t images_ = 1, tile_rows_ = 1, tiles_ = 1;  // of a block, at most; several images are whole
  KernelBuilder kernel_;
  FusedInput x_, dy_;
  MemoryRef sums_, transformed_input_, transformed_gradient_;
  int buffer_ = -1;
  TaskShare share_;
};

}  // namespace

bool winograd_sums_stay_in_cache(const ConvShape& shape, int m, const TargetInfo& target) {
  const int64_t sums = kFloatBytes * shape.channels * shape.outputs * (m + 2) * (m + 2);
  return 2 * sums <= kSums * target.l2_bytes;
}

void lower_winograd_weight_grad(Lowering& lowering, const Group& group, const WeightGrad& conv, int m) {
  if (!winograd_sums_stay_in_cache(conv.shape, m, lowering.target()))
    return lower_winograd_weight_grad_blocks(lowering, group, conv, m);
  WinogradWeightGrad(lowering, group, conv, m).lower();
}

}  // namespace rnc
