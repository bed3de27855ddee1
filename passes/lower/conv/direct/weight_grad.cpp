#include "passes/lower/conv/direct/weight_grad.h"

#include <algorithm>

#include "passes/lower/conv/direct/grouped.h"
#include "passes/lower/conv/direct/macro_tile.h"
#include "passes/lower/conv/direct/task_shares.h"
#include "passes/lower/conv/direct/weight_grad_tile.h"

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
    Expr sum = loaded(from, {0, i}, lanes, 1);
    for (int64_t p = 1; p < parts; ++p) sum = b.let("sum", sum + loaded(from, {p, i}, lanes, 1));
    b.store(to, {i}, sum, 0);
  });
  lowering.call(kernel, {ceil_div(floats, chunk), 0}, body, conv.of,
                {{}, {kFloatBytes * floats * (parts + 1), 0}, "", "weight_grad"});
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
        depthwise_(tiles_hold_rows(conv, lowering.target())),
        block_floats_(taps_ * weight_lanes_ * conv.vectors * lanes_),
        result_floats_(panels_ * conv.in_blocks * block_floats_),
        kernel_(conv.name) {
    if (conv.shape.pointwise()) flatten_rows(h_, w_);
    images_ = std::max<int64_t>(1, kReducedPixels / (h_.out * w_.out));
    // Where each pixel is read once, nothing is gained by taking few rows of every panel.
    rows_ = depthwise_ ? h_.out : std::clamp<int64_t>(kReducedPixels / w_.out, 1, h_.out);
    macro_ = choose_macro_tile(sizes(), lowering.target().l2_bytes * 3 / 8);  // more was slower
    parts_ = macro_.parts;
  }

  void lower() {
    const int buffer =
        parts_ == 1 ? conv_.result
                    : lowering_.temporary("partial weights", {parts_ * result_floats_ * kFloatBytes, 0});
    const WeightGradOperands operands = bind(buffer);
    Body body(kernel_.names());
    const int64_t tiles = ceil_div(panels_, macro_.panels) * ceil_div(conv_.in_blocks, macro_.blocks);
    const TaskShares shares(parts_ * tiles, macro_.panels, macro_.blocks);
    const TaskShare share = shares.of_task(body);
    // Parts outermost: tasks that share dy are neighbours.
    const Expr part = body.let("part", share.part / tiles);
    const Range range = range_of(body, share, body.let("tile", share.part % tiles));
    body.when(share.works, [&](Body& b) { sum_products(b, operands, part, range); });
    loops::Work work = conv_.work;
    work.bytes = {
        result_floats_ * kFloatBytes * parts_,
        kFloatBytes * (conv_.shape.channels * h_.in * w_.in + conv_.shape.outputs * h_.out * w_.out)};
    lowering_.call(kernel_, {shares.tasks(), 0}, body, conv_.of, work);
    if (parts_ > 1) add_parts(lowering_, conv_, buffer, parts_, result_floats_);
  }

 private:
  WeightGradOperands bind(int buffer) {
    const Extent n{0, 1};
    std::vector<Extent> x_dims = {n, {ceil_div(conv_.shape.channels, in_lanes_), 0}, {h_.in, 0}, {w_.in, 0}};
    if (!conv_.plain_input) x_dims.push_back({lanes_, 0});
    const std::vector<Extent> dy_dims = {
        n, {ceil_div(conv_.shape.outputs, lanes_), 0}, {h_.out, 0}, {w_.out, 0}, {lanes_, 0}};
    const std::vector<Extent> dw_dims = {{parts_, 0}, {panels_, 0},       {conv_.in_blocks, 0},
                                         {taps_, 0},  {weight_lanes_, 0}, {conv_.vectors * lanes_, 0}};
    const MemoryRef x = lowering_.view(kernel_, "x", conv_.x, x_dims, Access::read);
    const MemoryRef dy = lowering_.view(kernel_, "dy", conv_.dy, dy_dims, Access::read);
    const MemoryRef dw = kernel_.param("dw", buffer, Scalar::f32, dw_dims, Access::update);
    return {conv_, h_, w_, lowering_.target(), x, dy, dw};
  }

  // Panels and blocks of input channels, first and end of each.
  struct Range {
    std::pair<Expr, Expr> panels, blocks;
  };
  // Those of a task's share of macro-tile `tile`.
  Range range_of(Body& body, const TaskShare& share, Expr tile) {
    const int64_t columns = ceil_div(conv_.in_blocks, macro_.blocks);
    const auto range = [&](Expr begin, int64_t size, int64_t all, Expr first, Expr last) {
      const Expr from = body.let("first", begin * size + first);
      return std::pair{from, body.let("last", loops::min(from + (last - first), all))};
    };
    const auto panels = range(tile / columns, macro_.panels, panels_, share.panel0, share.panel1);
    return {panels, range(tile % columns, macro_.blocks, conv_.in_blocks, share.block0, share.block1)};
  }

  // Visits the range's weights; `first`: whether they are the first to read their part of dy or x.
  using Visit = std::function<void(Body&, const WeightBlock&, Expr first)>;
  void each_block(Body& body, const Expr& part, const Range& range, const Visit& visit) {
    body.loop("panel", range.panels.first, range.panels.second, 1, [&](Body& b, Expr panel) {
      const Expr first = b.let("first", first_block(grouped(), panel, lanes_));
      b.loop("block", range.blocks.first, range.blocks.second, 1, [&](Body& c, Expr block) {
        const Expr in_block = c.let("cb", first + block);
        visit(c, {part, panel, block, in_block},
              loops::binary(loops::Binary::logic_or, is(panel, range.panels.first),
                            is(block, range.blocks.first)));
      });
    });
  }

  void sum_products(Body& body, const WeightGradOperands& operands, const Expr& part, const Range& range) {
    const Expr begin = body.let("begin", part * lowering_.images() / parts_);
    const Expr end = body.let("end", (part + 1) * lowering_.images() / parts_);
    body.when(loops::less_equal(end, begin), [&](Body& b) {
      each_block(b, part, range,
                 [&](Body& c, const WeightBlock& weights, Expr) { clear_weights(c, operands, weights); });
    });
    body.loop("n0", begin, end, images_, [&](Body& b, Expr n0) {
      const Expr n1 = images_ == 1 ? n0 + 1 : b.let("n1", loops::min(n0 + images_, end));
      b.loop("h0", 0, h_.out, rows_, [&](Body& c, Expr h0) {
        const Expr h1 = h_.out % rows_ == 0 ? h0 + rows_ : c.let("h1", loops::min(h0 + rows_, h_.out));
        PixelBlock pixels{n0, n1, h0, h1, {}, {}, {}, {}};
        pixels.first = c.let("first", loops::binary(loops::Binary::logic_and, is(n0, begin), is(h0, 0)));
        look_ahead(c, pixels);
        each_block(c, part, range, [&](Body& d, const WeightBlock& weights, Expr first) {
          pixels.ahead = first;
          const auto kh = [&](Body& e, Expr t) { add_products(e, operands, weights, pixels, t); };
          if (depthwise_) {
            add_products_of_rows(d, operands, weights, pixels);
          } else {
            h_.kernel == 1 ? kh(d, 0) : d.loop("kh", 0, h_.kernel, 1, kh);
          }
        });
      });
    });
  }

  // Where the block of pixels after this one is. Tiles that hold taps do not ask for it.
  void look_ahead(Body& body, PixelBlock& pixels) {
    if (conv_.tiles_hold_taps()) return;
    const Expr last = body.let("last", loops::less_equal(h_.out, pixels.h0 + rows_));
    pixels.to_n = body.let("to_n", loops::select(last, images_, 0));
    pixels.to_h = body.let("to_h", loops::select(last, 0 - pixels.h0, rows_));
  }

  WeightGradSizes sizes() const {
    const auto lines = [](const ConvShape::Axis& a) { return std::min(a.kernel, a.stride); };
    const int64_t pixels = images_ * rows_ * w_.out;
    return {.panels = panels_,
            .blocks = conv_.in_blocks,
            .pixel_blocks = ceil_div(h_.out * w_.out, pixels),
            .panel_pixels = kFloatBytes * pixels * conv_.vectors * lanes_,
            .block_pixels = kFloatBytes * pixels * in_lanes_ * lines(h_) * lines(w_),
            .tile = kFloatBytes * block_floats_};
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

  Lowering& lowering_;
  const WeightGrad& conv_;
  ConvShape::Axis h_, w_;
  int lanes_, in_lanes_;
  int64_t weight_lanes_;
  int64_t panels_, taps_;
  bool depthwise_;  // see tiles_hold_rows()
  int64_t block_floats_, result_floats_;
  KernelBuilder kernel_;
  int64_t images_ = 1, rows_ = 1;  // of a block of pixels
  MacroTile macro_;
  int64_t parts_ = 1;
};

}  // namespace

void lower_weight_grad(Lowering& lowering, const WeightGrad& conv) {
  WeightGradKernel(lowering, conv).lower();
}

}  // namespace rnc
