// The Winograd weight gradient for many channels, where the sums of all pairs do not stay in cache: two
// kernels transform both operands of all maps into memory, and a task sums the products of a few blocks of
// channels over all tiles of the batch and transforms the sums back. No sum is split, so that there is
// nothing to add up afterwards.
#include <fmt/format.h>

#include <algorithm>

#include "passes/lower/conv/direct/weight_grad_result.h"
#include "passes/lower/conv/winograd/products.h"
#include "passes/lower/conv/winograd/tiles.h"
#include "passes/lower/conv/winograd/weight_grad.h"
#include "passes/lower/conv/winograd/winograd.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

constexpr int64_t kUnitTiles = 64;  // tiles that lie together in memory and are summed at a time, about
constexpr int64_t kTaskBlocks = 4;  // blocks of input channels that share a task's part of dy

class WinogradWeightGradBlocks {
 public:
  WinogradWeightGradBlocks(Lowering& lowering, const Group& group, const WeightGrad& conv, int m)
      : lowering_(lowering),
        group_(group),
        conv_(conv),
        f_(filtering(conv.shape, m)),
        positions_(f_.positions() * f_.positions()),
        weights_(f_.weights() * f_.weights()),
        lanes_(lowering.lanes()),
        panels_(ceil_div(conv.shape.outputs, lanes_ * conv.vectors)),
        blocks_(ceil_div(conv.shape.channels, lanes_)),
        out_blocks_(ceil_div(conv.shape.outputs, lanes_)),
        tiles_h_(ceil_div(conv.shape.h.out, m)),
        tiles_w_(ceil_div(conv.shape.w.out, m)),
        images_(std::max<int64_t>(1, kUnitTiles / (tiles_h_ * tiles_w_))),
        tiles_(images_ * tiles_h_ * tiles_w_) {}

  void lower() {
    const int v = transform(conv_.x, "x", blocks_, blocks_, f_.input(), winograd_input);
    const int e =
        transform(conv_.dy, "dy", out_blocks_, panels_ * conv_.vectors, f_.output(), winograd_gradient);
    const auto& s = conv_.shape;
    KernelBuilder kernel(fmt::format("{}_weight_grad_{}_{}_{}x{}_blocks", kernel_prefix(f_), s.channels,
                                     s.outputs, s.h.out, s.w.out));
    transformed_input_ = kernel.param("v", v, Scalar::f32, {floats(blocks_)}, Access::read);
    transformed_gradient_ =
        kernel.param("e", e, Scalar::f32, {floats(panels_ * conv_.vectors)}, Access::read);
    const int64_t panel_size = conv_.vectors * lanes_;
    WeightGradResult result(lowering_, kernel, group_, conv_);
    Body body(kernel.names());
    const int64_t groups = ceil_div(blocks_, kTaskBlocks);
    const Expr panel = body.let("panel", loops::task() / groups);
    const Expr first = body.let("first", loops::task() % groups * kTaskBlocks);
    const Expr end = body.let("end", loops::min(first + kTaskBlocks, blocks_));
    units_ = body.let("units", (lowering_.images() + (images_ - 1)) / images_);
    sums_ =
        body.alloc("sums", Scalar::f32, {kTaskBlocks, weights_, lanes_, panel_size}, loops::Space::scratch);
    body.comment("products");
    clear(body, end - first);
    body.loop("weight", 0, weights_, 1, [&](Body& b, Expr weight) {
      b.loop("unit", 0, units_, 1, [&](Body& c, Expr unit) {
        const Expr left = (lowering_.images() - unit * images_) * (tiles_h_ * tiles_w_);
        const Expr tiles = images_ == 1 ? Expr(tiles_) : c.let("tiles", loops::min(tiles_, left));
        c.loop("cb", first, end, 1,
               [&](Body& d, Expr cb) { multiply(d, panel, first, cb, weight, unit, tiles); });
      });
    });
    body.comment("transform of the sums");
    body.loop("cb", first, end, 1, [&](Body& b, Expr cb) { transform_back(b, result, panel, first, cb); });
    loops::Work work = conv_.work;
    count_winograd(work, f_, s.channels * s.outputs, tiles_h_ * tiles_w_);
    work.bytes.per_sample =
        kFloatBytes * (floats(blocks_).per_sample + floats(panels_ * conv_.vectors).per_sample);
    work.bytes.fixed = result.bytes_per_element() * 9 * s.channels * s.outputs;
    lowering_.call(kernel, {panels_ * groups, 0}, body, conv_.of, work, result.in_place());
  }

 private:
  // Transformed maps: units of [a a][blocks][tiles][lanes], and a vector more after each plane, so that
  // planes do not fall on the same cache lines.
  int64_t plane(int64_t blocks) const { return (blocks * tiles_ + 1) * lanes_; }
  Extent floats(int64_t blocks) const {
    const int64_t unit = positions_ * plane(blocks);
    return images_ == 1 ? Extent{0, unit} : Extent{unit, ceil_div(unit, images_)};
  }
  Expr at(int64_t blocks, const Expr& unit, const Expr& x, const Expr& block, const Expr& t,
          const Expr& lane) const {
    return unit * (positions_ * plane(blocks)) + x * plane(blocks) + (block * tiles_ + t) * lanes_ + lane;
  }

  // Transforms one operand of `blocks` blocks of channels, as `room` blocks of which the last are zero; a
  // task has one map and block.
  int transform(ValueId operand, const char* name, int64_t blocks, int64_t room, const TilePixels& pixels,
                Transform by) {
    const int buffer = lowering_.temporary(fmt::format("transformed {}", name), floats(room) * kFloatBytes);
    const ConvShape& s = conv_.shape;
    const bool is_input = operand == conv_.x;
    const int64_t height = is_input ? s.h.in : s.h.out, width = is_input ? s.w.in : s.w.out;
    KernelBuilder kernel(
        fmt::format("{}_{}_{}_{}x{}", kernel_prefix(f_), name, blocks * lanes_, height, width));
    FusedInput from(lowering_, kernel, group_, name, operand,
                    {{0, 1}, {blocks, 0}, {height, 0}, {width, 0}, {lanes_, 0}});
    const auto to = kernel.param("transformed", buffer, Scalar::f32, {floats(room)}, Access::update);
    Body body(kernel.names());
    const Expr n = body.let("n", loops::task() / room), block = body.let("block", loops::task() % room);
    const Expr unit = body.let("unit", n / images_), slot = body.let("slot", n % images_);
    const auto to_at = [&](const Expr& x, const Expr& th, const Expr& tw) {
      const Expr t = slot * (tiles_h_ * tiles_w_) + th * tiles_w_ + tw;
      return std::vector<Expr>{at(room, unit, x, block, t, 0)};
    };
    const Expr exists = blocks < room ? loops::less(block, blocks) : Expr();
    body.when(exists, [&](Body& a) {
      from.channels(a, block * lanes_);
      each_tile(a, tiles_h_, tiles_w_, [&](Body& b, Expr th, Expr tw, const Ahead& ahead) {
        winograd_load(b, from, pixels, {n, block, th, tw}, {n, block + ahead.maps, ahead.row, tw},
                      [&](Body& c, const Column& column) {
                        transform_square(c, f_, by, pixels.size, f_.positions(), column,
                                         [&](Body& d, Expr i, const Vectors& row) {
                                           for (int j = 0; j < f_.positions(); ++j)
                                             d.store(to, to_at(i * f_.positions() + j, th, tw),
                                                     row[static_cast<size_t>(j)], 0);
                                         });
                      });
      });
    });
    if (exists) {
      body.when(loops::less_equal(blocks, block), [&](Body& a) {
        each_tile(a, tiles_h_, tiles_w_, [&](Body& b, Expr th, Expr tw, const Ahead&) {
          for (int x = 0; x < positions_; ++x) b.store(to, to_at(x, th, tw), zeros(lanes_), 0);
        });
      });
    }
    lowering_.call(kernel, {0, room}, body, conv_.of,
                   {{},
                    {0, from.bytes_per_element() * blocks * lanes_ * height * width +
                            kFloatBytes * floats(room).per_sample},
                    "",
                    "weight_grad"});
    return buffer;
  }

  void clear(Body& body, Expr blocks) {
    body.loop("cb", 0, blocks, 1, [&](Body& b, Expr cb) {
      b.loop("row", 0, weights_ * lanes_, 1, [&](Body& c, Expr row) {
        for (int o = 0; o < conv_.vectors; ++o)
          c.store(sums_, {cb, row / lanes_, row % lanes_, o * lanes_}, zeros(lanes_), 3);
      });
    });
  }

  // Adds the products of one weight over the tiles of one unit, for one panel and block.
  void multiply(Body& body, Expr panel, Expr first, Expr cb, Expr weight, Expr unit, Expr tiles) {
    WinogradSums sums{f_,
                      conv_.vectors,
                      lanes_,
                      lowering_.target().vector_registers,
                      transformed_input_,
                      transformed_gradient_,
                      sums_};
    using Index = WinogradSums::Index;
    sums.v_at = [&](const Expr& x, const Expr& t, const Expr& lane) {
      return Index{at(blocks_, unit, x, cb, t, lane)};
    };
    sums.e_at = [&](const Expr& x, const Expr& t, int o) {
      return Index{at(panels_ * conv_.vectors, unit, x, panel * conv_.vectors + o, t, 0)};
    };
    sums.sum_at = [&](const Expr& lane, int o) { return Index{cb - first, weight, lane, o * lanes_}; };
    sums.add(body, weight, tiles);
  }

  void transform_back(Body& body, WeightGradResult& result, Expr panel, Expr first, Expr cb) {
    body.loop("i", 0, lanes_, 1, [&](Body& b, Expr i) {
      result.channel(b, cb * lanes_ + i);
      b.loop("o", 0, conv_.vectors * lanes_, lanes_, [&](Body& c, Expr o) {
        Vectors square;
        for (int64_t x = 0; x < weights_; ++x) {
          square.push_back(c.let("u", loaded(sums_, {cb - first, x, i, o}, lanes_, 3)));
        }
        const Vectors taps =
            winograd_2d(c, f_, winograd_weight_gradient, winograd_scaled(c, f_, square), f_.weights());
        for (size_t t = 0; t < taps.size(); ++t) {
          result.store(c, {panel, cb, static_cast<int64_t>(t), i, o}, taps[t]);
        }
      });
    });
  }

  Lowering& lowering_;
  const Group& group_;
  const WeightGrad& conv_;
  Filtering f_;
  int positions_, weights_, lanes_;
  int64_t panels_, blocks_, out_blocks_, tiles_h_, tiles_w_;
  int64_t images_, tiles_;  // of a unit
  MemoryRef transformed_input_, transformed_gradient_, sums_;
  Expr units_;
};

}  // namespace

void lower_winograd_weight_grad_blocks(Lowering& lowering, const Group& group, const WeightGrad& conv,
                                       int m) {
  WinogradWeightGradBlocks(lowering, group, conv, m).lower();
}

}  // namespace rnc
