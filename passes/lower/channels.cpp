// Padding and slicing of channels, of values in channel blocks: a task makes one block of one image from runs
// of channels that lie together on both sides.
#include <numeric>

#include "passes/lower/rules.h"

namespace rnc {

using loops::Expr;

// y[c] = x[c - offset] where that channel exists, else 0. With an offset that is no multiple of a vector, a
// block of y takes its lanes from two blocks of x: all moves are as wide as the largest power of two that
// divides the vector, the offset and the channels of both.
void lower_channels(Lowering& lowering, const Group& group) {
  const ValueId v = group.front(), input = lowering.node(v).inputs[0];
  const Attributes& attributes = lowering.node(v).attributes;
  const bool pads = lowering.node(v).op == Op::pad_channels;
  const int64_t offset = pads ? attributes.get<int64_t>("before") : -attributes.get<int64_t>("begin");
  const Shape& from = lowering.type(input).shape;
  const int64_t pixels = from[2] * from[3], lanes = lowering.lanes();
  const int64_t channels = lowering.type(v).shape[1];
  const int64_t x_blocks = ceil_div(from[1], lanes), y_blocks = ceil_div(channels, lanes);
  const int64_t run = std::gcd(std::gcd(lanes, offset), std::gcd(from[1], channels));
  const auto width = static_cast<int>(run);

  KernelBuilder kernel(pads ? "pad_channels" : "slice_channels");
  const auto dims = [&](int64_t blocks) {
    return std::vector<loops::Extent>{{0, 1}, {blocks, 0}, {pixels, 0}, {lanes, 0}};
  };
  const auto x = lowering.view(kernel, "x", input, dims(x_blocks), loops::Access::read);
  const auto y = lowering.view(kernel, "y", v, dims(y_blocks), loops::Access::write);
  Body body(kernel.names());
  const Expr n = body.let("n", loops::task() / y_blocks), cb = body.let("cb", loops::task() % y_blocks);
  body.loop("i", 0, lanes, run, [&](Body& b, Expr i) {
    const Expr c = b.let("c", cb * lanes + i - offset);  // x's channel
    const auto fill = [&](Body& f, const std::function<Expr(Expr)>& value) {
      f.loop("p", 0, pixels, 1, [&](Body& g, Expr p) { g.store(y, {n, cb, p, i}, value(p), 3); });
    };
    const auto copy = [&](Expr p) {
      const std::vector<Expr> at = {n, c / lanes, p, c % lanes};
      return width > 1 ? loaded(x, at, width, 3) : loaded(x, at);
    };
    Expr exists = loops::binary(loops::Binary::logic_and, loops::less_equal(0, c), loops::less(c, from[1]));
    if (channels % lanes != 0 && channels < from[1] + offset) {  // of y: x goes on behind it
      exists = loops::binary(loops::Binary::logic_and, exists, loops::less(c, channels - offset));
    }
    b.when(
        exists, [&](Body& f) { fill(f, copy); },
        [&](Body& f) { fill(f, [&](const Expr&) { return zeros(width); }); });
  });
  lowering.call(kernel, {0, y_blocks}, body, v,
                {.bytes = {0, kFloatBytes * lanes * pixels * (x_blocks + y_blocks)}});
}

}  // namespace rnc
