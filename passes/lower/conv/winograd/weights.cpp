#include "passes/lower/conv/winograd/weights.h"

#include <fmt/format.h>

#include "passes/lower/conv/winograd/transforms.h"
#include "passes/lower/conv/winograd/winograd.h"
#include "passes/lower/transpose.h"

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::MemoryRef;
using loops::Scalar;

namespace {

// The weights of panel `from` and block `cb` as [1][1][9][V][panel], from the forward convolution's: squares
// with its outputs along the lanes become such with its inputs there.
MemoryRef exchange_channels(Body& body, const BlockTransform& t, const Expr& from, const Expr& cb) {
  const int64_t lanes = t.w->dims[3].fixed, forward_panel = t.w->dims[4].fixed;
  const auto width = static_cast<int>(lanes);
  const auto taps = body.alloc("taps", Scalar::f32, {1, 1, 9, lanes, t.panel}, loops::Space::scratch);
  const Expr outputs = body.let("outputs", cb * lanes);
  body.loop("tap", 0, 9, 1, [&](Body& b, Expr tap) {
    for (int64_t o = 0; o < t.panel; o += lanes) {
      std::vector<Expr> square;
      for (int64_t i = 0; i < lanes; ++i) {
        const std::vector<Expr> at = {outputs / forward_panel, from * (t.panel / lanes) + o / lanes, tap, i,
                                      outputs % forward_panel};
        square.push_back(b.let("w", loaded(t.w, at, width, 4)));
      }
      square = transpose(b, square);
      for (int64_t i = 0; i < lanes; ++i) b.store(taps, {0, 0, tap, i, o}, square[static_cast<size_t>(i)], 4);
    }
  });
  return taps;
}

}  // namespace

std::vector<Extent> winograd_weight_dims(int64_t panels, int64_t blocks, int64_t lanes, int64_t panel,
                                         int64_t forward_panel) {
  if (forward_panel == 0) return {{panels, 0}, {blocks, 0}, {9, 0}, {lanes, 0}, {panel, 0}};
  return {{blocks * lanes / forward_panel, 0},
          {panels * panel / lanes, 0},
          {9, 0},
          {lanes, 0},
          {forward_panel, 0}};
}

void transform_block(Body& body, const BlockTransform& t, const Filtering& f, Expr from, Expr to, Expr cb,
                     Expr to_cb) {
  const int64_t lanes = t.w->dims[3].fixed;
  const auto width = static_cast<int>(lanes);
  const MemoryRef w = t.forward ? exchange_channels(body, t, from, cb) : t.w;
  const Expr panel = t.forward ? Expr(0) : from, block = t.forward ? Expr(0) : cb;
  body.loop("i", 0, lanes, 1, [&](Body& b, Expr i) {
    b.loop("o", 0, t.panel, lanes, [&](Body& c, Expr o) {
      Vectors taps;
      for (int tap = 0; tap < 9; ++tap) {
        taps.push_back(c.let("w", loaded(w, {panel, block, t.flipped ? 8 - tap : tap, i, o}, width, 4)));
      }
      const Vectors transformed = winograd_scaled(c, f, winograd_2d(c, f, winograd_weight, taps, 3));
      for (size_t x = 0; x < transformed.size(); ++x) {
        c.store(t.u, {to, static_cast<int64_t>(x), to_cb * lanes + i, o}, transformed[x], 3);
      }
    });
  });
}

void transform_weights(Lowering& lowering, const WeightTransform& weights, const Filtering& f, ValueId of,
                       const std::string& direction) {
  const int count = f.weights() * f.weights(), lanes = lowering.lanes();
  KernelBuilder kernel(fmt::format("{}_weights", kernel_prefix(f)));
  const Extent panels{weights.panels, 0}, panel_size{weights.panel, 0};
  const auto w = kernel.param(
      "w", weights.from, Scalar::f32,
      winograd_weight_dims(weights.panels, weights.blocks, lanes, weights.panel, weights.forward_panel),
      Access::read);
  const auto u = kernel.param("u", weights.to, Scalar::f32,
                              {panels, {count, 0}, {weights.rows, 0}, panel_size}, Access::update);
  Body body(kernel.names());
  const Expr panel = body.let("panel", loops::task() / weights.blocks);
  const Expr cb = body.let("cb", loops::task() % weights.blocks);
  transform_block(body, {w, u, weights.panel, weights.forward_panel > 0, weights.flipped}, f, panel, panel,
                  cb, cb);
  const int64_t pairs = weights.panels * weights.panel * weights.blocks * lanes;
  lowering.call(kernel, {weights.panels * weights.blocks, 0}, body, of,
                {{}, {kFloatBytes * pairs * (count + 9), 0}, "", direction});
}

}  // namespace rnc
