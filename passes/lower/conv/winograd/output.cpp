#include "passes/lower/conv/winograd/output.h"

#include "passes/lower/rules.h"

namespace rnc {

using loops::Expr;

WinogradOutput::WinogradOutput(Lowering& lowering, KernelBuilder& kernel, const Group& group,
                               const DirectConv& conv, const Winograd& how, const Tasks& tasks)
    : conv_(conv),
      how_(how),
      lanes_(lowering.lanes()),
      size_(how.out_size()),
      code_(
          lowering, kernel, epilogue_of(lowering.graph(), group), conv.out, lowering.type(conv.out),
          {{0, 1}, {ceil_div(conv.out_channels, lanes_), 0}, {conv.out_h, 0}, {conv.out_w, 0}, {lanes_, 0}}),
      reductions_(lowering, kernel, group, tasks.panels, tasks.per_panel, tasks.blocks,
                  loops::Space::scratch) {
  if (conv.bias == kNoValue) return;
  bias_ = lowering.view(kernel, "bias", conv.bias, {channel_extent(conv.out_channels, lanes_)},
                        loops::Access::read);
}

WinogradOutput::Channels WinogradOutput::channels(Body& body, Expr block, Expr sums) {
  const Expr bias = bias_ ? body.let("b", loaded(bias_, {block * lanes_}, lanes_, 0)) : Expr();
  return {block, std::move(sums), bias, code_.channels(body, block * lanes_, lanes_, true)};
}

void WinogradOutput::tile(Body& body, const Channels& channels, const std::function<Expr(int)>& product,
                          const TilePlace& at, const TilePlace& ahead, const Expr& exists) {
  const Filtering& f = how_.filtering;
  const Expr h = body.let("h", at.th * size_), w = body.let("w", at.tw * size_);
  each_pixel(size_, ahead, [&](Expr row, Expr column) {
    code_.prefetch(body, {ahead.n, ahead.cb, row, column, 0});
  });
  body.when(exists, [&](Body& b) {
    Vectors square;
    for (int x = 0; x < f.positions() * f.positions(); ++x) square.push_back(b.let("q", product(x)));
    const Transform by = how_.input_grad ? winograd_gradient_output : winograd_output;
    Vectors pixels = winograd_2d(b, f, by, square, f.positions());
    for (Expr& y : pixels) y = channels.bias ? b.let("y", y + channels.bias) : y;
    store(b, channels, pixels, at, h, w);
  });
}

void WinogradOutput::store(Body& body, const Channels& channels, const Vectors& pixels, const TilePlace& at,
                           const Expr& h, const Expr& w) {
  const auto pixel = [&](Body& b, int i, int j, FusedCode::Values& values, bool store) {
    values[conv_.out] = pixels[static_cast<size_t>(i * size_ + j)];
    code_.at(b, {{at.n, channels.block, h + i, w + j, 0}, lanes_, 4, {}}, values, store);
  };
  FusedCode::Values first = channels.values;
  if (reductions_.needs_first()) pixel(body, 0, 0, first, false);
  reductions_.begin_chunk(body, first);
  for (int i = 0; i < size_; ++i) {
    for (int j = 0; j < size_; ++j) {
      Expr inside;
      if (i > 0 && conv_.out_h % size_ != 0) inside = loops::less(h + i, conv_.out_h);
      if (j > 0 && conv_.out_w % size_ != 0) {
        const Expr column = loops::less(w + j, conv_.out_w);
        inside = inside ? loops::binary(loops::Binary::logic_and, inside, column) : column;
      }
      body.when(inside, [&](Body& b) {
        FusedCode::Values values = channels.values;
        pixel(b, i, j, values, true);
        reductions_.add(b, values);
      });
    }
  }
  const Expr count = loops::min(size_, conv_.out_h - h) * loops::min(size_, conv_.out_w - w);
  reductions_.end_chunk(body, channels.sums, count);
}

}  // namespace rnc
