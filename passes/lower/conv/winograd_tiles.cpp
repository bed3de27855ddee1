#include "passes/lower/conv/winograd_tiles.h"

namespace rnc {

using loops::Expr;

namespace {

constexpr int64_t kTilesAhead = 8;

Expr both(const Expr& a, const Expr& b) { return loops::binary(loops::Binary::logic_and, a, b); }

}  // namespace

void each_tile(Body& body, int64_t rows, int64_t columns, const VisitTile& visit) {
  const int64_t distance = ceil_div(kTilesAhead, columns);
  body.loop("th", 0, rows, 1, [&](Body& b, Expr th) {
    const Ahead ahead{b.let("maps", (th + distance) / rows), b.let("later", (th + distance) % rows)};
    b.loop("tw", 0, columns, 1, [&](Body& c, Expr tw) { visit(c, th, tw, ahead); });
  });
}

void each_pixel(int m, const TilePlace& tile, const std::function<void(Expr h, Expr w)>& visit) {
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < m; ++j) visit(tile.th * m + i, tile.tw * m + j);
  }
}

void winograd_load(Body& body, const FusedInput& input, int m, int size, const TilePlace& at,
                   const TilePlace& ahead, const std::function<void(Body&, const Vectors&)>& use) {
  const int64_t height = input.view()[2].fixed, width = input.view()[3].fixed;
  const Expr pad = (size - m) / 2;
  const Expr h = body.let("h", at.th * m - pad), w = body.let("w", at.tw * m - pad);
  each_pixel(m, ahead, [&](Expr row, Expr column) {
    input.prefetch(body, {ahead.n, ahead.cb, row, column, 0});
  });
  const auto load = [&](Body& b, bool checked) {
    Vectors square, row_inside, column_inside;
    for (int i = 0; checked && i < size; ++i) {
      Expr row = both(loops::less_equal(0, h + i), loops::less(h + i, height));
      row_inside.push_back(b.let("r", at.exists ? both(row, at.exists) : row));
      column_inside.push_back(b.let("k", both(loops::less_equal(0, w + i), loops::less(w + i, width))));
    }
    for (int i = 0; i < size; ++i) {
      for (int j = 0; j < size; ++j) {
        Expr inside;
        if (checked) inside = both(row_inside[static_cast<size_t>(i)], column_inside[static_cast<size_t>(j)]);
        square.push_back(input.load(b, {at.n, at.cb, h + i, w + j, 0}, inside));
      }
    }
    use(b, square);
  };
  Expr whole = both(both(loops::less_equal(0, h), loops::less_equal(h + size, height)),
                    both(loops::less_equal(0, w), loops::less_equal(w + size, width)));
  if (at.exists) whole = both(whole, at.exists);
  const Expr inside = body.let("inside", loops::cast(whole, loops::Scalar::i64));
  body.when(loops::binary(loops::Binary::eq, inside, 1), [&](Body& b) { load(b, false); });
  body.when(loops::binary(loops::Binary::eq, inside, 0), [&](Body& b) { load(b, true); });
}

}  // namespace rnc
