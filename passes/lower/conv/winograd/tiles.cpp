#include "passes/lower/conv/winograd/tiles.h"

namespace rnc {

using loops::Expr;
using loops::MemoryRef;

namespace {

constexpr int64_t kTilesAhead = 8;
constexpr int kUnrolled = 6;  // the side of squares whose transform is straight code

}  // namespace

void each_tile(Body& body, const Expr& rows, int64_t columns, const VisitTile& visit) {
  const int64_t distance = ceil_div(kTilesAhead, columns);
  body.loop("th", 0, rows, 1, [&](Body& b, Expr th) {
    const Ahead ahead{b.let("maps", (th + distance) / rows), b.let("later", (th + distance) % rows)};
    b.loop("tw", 0, columns, 1, [&](Body& c, Expr tw) { visit(c, th, tw, ahead); });
  });
}

void each_pixel(int64_t step, const TilePlace& tile, const std::function<void(Expr h, Expr w)>& visit) {
  for (int64_t i = 0; i < step; ++i) {
    for (int64_t j = 0; j < step; ++j) visit(tile.th * step + i, tile.tw * step + j);
  }
}

void winograd_load(Body& body, const FusedInput& input, const TilePixels& pixels, const TilePlace& at,
                   const TilePlace& ahead, const std::function<void(Body&, const Column&)>& use) {
  const int64_t height = input.view()[2].fixed, width = input.view()[3].fixed;
  const auto [step, size, pad] = pixels;
  const Expr h = body.let("h", at.th * step - pad), w = body.let("w", at.tw * step - pad);
  each_pixel(step, ahead, [&](Expr row, Expr column) {
    input.prefetch(body, {ahead.n, ahead.cb, row, column, 0});
  });
  const auto load = [&, size = size](Body& b, bool checked) {
    Vectors row_inside;
    for (int i = 0; checked && i < size; ++i) {
      const Expr row = both(loops::less_equal(0, h + i), loops::less(h + i, height));
      row_inside.push_back(b.let("r", row));
    }
    use(b, [&](Body& c, const Expr& j) {
      Expr column;
      if (checked) column = c.let("k", both(loops::less_equal(0, w + j), loops::less(w + j, width)));
      Vectors values;
      for (int i = 0; i < size; ++i) {
        const Expr inside = checked ? both(row_inside[static_cast<size_t>(i)], column) : Expr();
        values.push_back(input.load(c, {at.n, at.cb, h + i, w + j, 0}, inside));
      }
      return values;
    });
  };
  const Expr whole = both(both(loops::less_equal(0, h), loops::less_equal(h + size, height)),
                          both(loops::less_equal(0, w), loops::less_equal(w + size, width)));
  const Expr inside = body.let("inside", loops::cast(whole, loops::Scalar::i64));
  body.when(loops::binary(loops::Binary::eq, inside, 1), [&](Body& b) { load(b, false); });
  body.when(loops::binary(loops::Binary::eq, inside, 0), [&](Body& b) { load(b, true); });
}

void transform_square(Body& body, const Filtering& f, Transform transform, int size, int result,
                      const Column& column,
                      const std::function<void(Body&, const Expr& i, const Vectors& row)>& use) {
  const auto row_of = [](const Vectors& square, int i, int width) {
    return Vectors(square.begin() + i * width, square.begin() + (i + 1) * width);
  };
  if (size <= kUnrolled) {
    std::vector<Vectors> columns;
    for (int j = 0; j < size; ++j) columns.push_back(column(body, j));
    Vectors square;
    for (int i = 0; i < size; ++i)
      for (const Vectors& values : columns) square.push_back(values[static_cast<size_t>(i)]);
    square = winograd_2d(body, f, transform, square, size);
    for (int i = 0; i < result; ++i) use(body, i, row_of(square, i, result));
    return;
  }
  MemoryRef between;
  body.loop("j", 0, size, 1, [&](Body& b, Expr j) {
    const Vectors values = transform(b, f, column(b, j));
    const int lanes = values[0]->type.lanes;
    between = body.alloc("between", loops::Scalar::f32, {result, size, lanes}, loops::Space::scratch);
    for (int i = 0; i < result; ++i) b.store(between, {i, j, 0}, values[static_cast<size_t>(i)], 2);
  });
  body.loop("i", 0, result, 1, [&](Body& b, Expr i) {
    const auto lanes = static_cast<int>(between->dims[2].fixed);
    Vectors row;
    for (int j = 0; j < size; ++j) row.push_back(b.let("t", loaded(between, {i, j, 0}, lanes, 2)));
    use(b, i, transform(b, f, row));
  });
}

}  // namespace rnc
