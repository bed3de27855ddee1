#include "passes/lower/conv/winograd/input.h"

#include <fmt/format.h>

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::Scalar;

WinogradInput::WinogradInput(Lowering& lowering, const Group& group, const DirectConv& conv,
                             const Winograd& how, const Tiling& tiling, bool shared)
    : lowering_(lowering),
      group_(group),
      conv_(conv),
      how_(how),
      tiling_(tiling),
      shared_(shared),
      in_(how.input_grad ? how.filtering.gradient_input() : how.filtering.input()),
      positions_(how.filtering.positions()),
      lanes_(lowering.lanes()),
      blocks_(ceil_div(conv.in_channels, lanes_)) {}

FusedInput WinogradInput::input(KernelBuilder& kernel) const {
  return {lowering_, kernel,   group_,
          "x",       conv_.in, {{0, 1}, {blocks_, 0}, {conv_.in_h, 0}, {conv_.in_w, 0}, {lanes_, 0}}};
}

// V: units of [positions^2][blocks][tiles][lanes], and a vector more after each plane, so that planes do not
// fall on the same cache lines.
int64_t WinogradInput::plane() const { return (blocks_ * tiles() + 1) * lanes_; }

Extent WinogradInput::floats() const {
  const int64_t unit = positions_ * positions_ * plane();
  if (!shared_) return {tiling_.units() * unit, 0};
  return tiling_.unit_images == 1 ? Extent{0, unit} : Extent{unit, ceil_div(unit, tiling_.unit_images)};
}

Expr WinogradInput::at(const Expr& unit, const Expr& x, const Expr& cb, const Expr& t,
                       const Expr& lane) const {
  return unit * (positions_ * positions_ * plane()) + x * plane() + (cb * tiles() + t) * lanes_ + lane;
}

void WinogradInput::bind(KernelBuilder& kernel) {
  if (!shared_) {
    x_.emplace(input(kernel));
    return;
  }
  const int buffer = lowering_.temporary("transformed input", floats() * kFloatBytes);
  transform_all(buffer);
  transformed_input_ = kernel.param("v", buffer, Scalar::f32, {floats()}, Access::read);
}

void WinogradInput::begin_task(Body& body) {
  if (!shared_) transformed_input_ = body.alloc("v", Scalar::f32, {floats().fixed}, loops::Space::scratch);
}

void WinogradInput::tile(Body& body, const TilePlace& tile, const TilePlace& ahead, const Expr& unit,
                         const Expr& t) const {
  const Transform by = how_.input_grad ? winograd_gradient_input : winograd_input;
  winograd_load(body, *x_, in_, tile, ahead, [&](Body& b, const Column& column) {
    transform_square(b, how_.filtering, by, in_.size, positions_, column,
                     [&](Body& c, Expr i, const Vectors& row) {
                       for (int j = 0; j < positions_; ++j)
                         c.store(transformed_input_, {at(unit, i * positions_ + j, tile.cb, t, 0)},
                                 row[static_cast<size_t>(j)], 0);
                     });
  });
}

// The kernel that transforms the input of all maps: a task has one map and block of channels. The last map
// also fills the places in its unit after it.
void WinogradInput::transform_all(int buffer) {
  KernelBuilder kernel(fmt::format("{}_input_{}_{}x{}", kernel_prefix(how_.filtering), conv_.in_channels,
                                   conv_.in_h, conv_.in_w));
  x_.emplace(input(kernel));
  transformed_input_ = kernel.param("v", buffer, Scalar::f32, {floats()}, Access::update);
  Body body(kernel.names());
  const Expr n = body.let("n", loops::task() / blocks_), cb = body.let("cb", loops::task() % blocks_);
  const auto map = [&](Body& a, Expr slot) {
    channels(a, cb);
    each_tile(a, tiling_.tiles_h, tiling_.tiles_w, [&](Body& b, Expr th, Expr tw, const Ahead& ahead) {
      const Expr t = b.let("tile", slot * tiling_.map_tiles() + th * tiling_.tiles_w + tw);
      tile(b, {n, cb, th, tw}, {n, cb + ahead.maps, ahead.row, tw}, n / tiling_.unit_images, t);
    });
  };
  const Expr used = loops::less_equal(how_.from_batch, lowering_.images());
  body.when(how_.from_batch > 1 ? used : Expr(), [&](Body& b) {
    if (tiling_.unit_images == 1) return map(b, 0);
    const Expr slot = b.let("slot", n % tiling_.unit_images);
    const Expr last = loops::binary(loops::Binary::eq, n, lowering_.images() - 1);
    b.loop("s", slot, b.let("end", loops::select(last, Expr(tiling_.unit_images), slot + 1)), 1, map);
  });
  lowering_.call(kernel, {0, blocks_}, body, conv_.out,
                 {{}, {0, bytes_per_sample() + kFloatBytes * floats().per_sample}, "", conv_.work.direction});
}

}  // namespace rnc
