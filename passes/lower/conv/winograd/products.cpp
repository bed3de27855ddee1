#include "passes/lower/conv/winograd/products.h"

#include <algorithm>

namespace rnc {

using loops::Expr;
using loops::Scalar;

namespace {

// FMAs in the innermost loop, at most. So many sums take nearly all registers; unrolled, LLVM would keep one
// of them in memory.
constexpr int64_t kUnrolledFmas = 120, kManySums = 28;

// Input channels that are summed in registers before their sum joins the others in memory. Blocked summation
// (Higham, Accuracy and Stability of Numerical Algorithms, 4.2): rounding errors grow with the square root of
// the terms added in a row, and Winograd's transforms multiply them. Careful sums are of fewer, and are
// summed by groups first.
constexpr int64_t kSummedChannels = 32;
constexpr int64_t kSummedMoreExactly = 16, kGroup = 128;

}  // namespace

int64_t WinogradProducts::summed_blocks() const {
  return (s_.more_exact ? kSummedMoreExactly : kSummedChannels) / s_.lanes;
}

void WinogradProducts::multiply(Body& body, const Operands& operands, const Expr& panel, const Expr& x,
                                int64_t tiles, const Blocks& blocks) const {
  const int64_t parts = ceil_div(tiles, s_.register_tile);
  const int64_t larger = tiles % parts, size = tiles / parts;
  const auto run = [&](int64_t begin, int64_t count, int64_t width) {
    if (count == 0) return;
    body.loop("t", begin, begin + count * width, width, [&](Body& b, Expr t0) {
      tile(b, operands, {panel, x, t0, width}, blocks);
    });
  };
  run(0, larger, size + 1);
  run(larger * (size + 1), parts - larger, size);
}

void WinogradProducts::tile(Body& body, const Operands& in, const Tile& tile, const Blocks& blocks) const {
  Target to{in.result, [&](int o, const Expr& p) { return in.result_at(tile.x, o, tile.t0 + p); }, {}};
  if (blocks.only && s_.blocks <= summed_blocks()) return sum(body, in, tile, blocks, to);
  const int64_t step = s_.more_exact ? kGroup / s_.lanes : summed_blocks();
  body.loop("part", blocks.begin, blocks.end, step, [&](Body& b, Expr part) {
    const bool even = blocks.only && s_.blocks % step == 0;
    const Expr end = even ? part + step : loops::min(part + step, blocks.end);
    to.first = loops::binary(loops::Binary::eq, part, 0);
    s_.more_exact ? sum_group(b, in, tile, {part, end, blocks.first}, to)
                  : sum(b, in, tile, {part, end, blocks.first}, to);
  });
}

void WinogradProducts::sum_group(Body& body, const Operands& in, const Tile& tile, const Blocks& blocks,
                                 const Target& to) const {
  const auto sums =
      body.alloc("sums", Scalar::f32, {s_.vectors * tile.tiles * s_.lanes}, loops::Space::scratch);
  const auto at = [&](int o, const Expr& p) { return (o * tile.tiles + p) * s_.lanes; };
  body.loop("few", blocks.begin, blocks.end, summed_blocks(), [&](Body& b, Expr few) {
    const Expr end = loops::min(few + summed_blocks(), blocks.end);
    sum(b, in, tile, {few, end, blocks.first},
        {sums, at, loops::binary(loops::Binary::eq, few, blocks.begin)});
  });
  add(body, tile.tiles, to,
      [&](int o, const Expr& p) { return loaded(sums, {at(o, p)}, static_cast<int>(s_.lanes), 0); });
}

void WinogradProducts::each(Body& body, int64_t tiles,
                            const std::function<void(Body&, int o, Expr p)>& visit) const {
  for (int o = 0; o < s_.vectors; ++o) {
    body.unrolled("p", 0, tiles, [&](Body& b, Expr p) { visit(b, o, p); });
  }
}

void WinogradProducts::add(Body& body, int64_t tiles, const Target& to,
                           const std::function<Expr(int o, const Expr& p)>& value) const {
  const auto finish = [&](Body& b, bool first) {
    each(b, tiles, [&](Body& c, int o, Expr p) {
      const std::vector<Expr> at = {to.at(o, p)};
      const Expr before = loaded(to.memory, at, static_cast<int>(s_.lanes), 0);
      c.store(to.memory, at, first ? value(o, p) : value(o, p) + before, 0);
    });
  };
  if (!to.first) return finish(body, true);
  body.when(
      to.first, [&](Body& b) { finish(b, true); }, [&](Body& b) { finish(b, false); });
}

void WinogradProducts::sum(Body& body, const Operands& in, const Tile& tile, const Blocks& blocks,
                           const Target& to) const {
  const auto lanes = static_cast<int>(s_.lanes);
  const auto acc =
      body.alloc("acc", Scalar::f32, {s_.vectors, tile.tiles, s_.lanes}, loops::Space::registers);
  each(body, tile.tiles, [&](Body& b, int o, Expr p) { b.store(acc, {o, p, 0}, zeros(lanes), 2); });
  const Expr weight = body.let("weight", in.filtering.weight_of(tile.x));
  const Expr next = in.streamed ? body.let("next", in.filtering.weight_of(tile.x + 1)) : Expr();
  const int64_t sums = s_.vectors * tile.tiles;
  int64_t unroll = sums < kManySums ? s_.lanes : 1;
  while (unroll > 1 && unroll * sums > kUnrolledFmas) unroll /= 2;
  body.loop("cb", blocks.begin, blocks.end, 1, [&](Body& b, Expr cb) {
    b.loop("i", 0, s_.lanes, unroll, [&](Body& c, Expr i0) {
      const Expr rows = (cb - blocks.first) * s_.lanes;
      for (int o = 0; in.streamed && o < s_.vectors; ++o)
        c.add(loops::prefetch(in.u, {tile.panel, next, rows + i0 + in.unit % unroll, o * s_.lanes}));
      c.unrolled("k", 0, unroll, [&](Body& d, Expr k) {
        const Expr i = i0 + k;
        if (in.streamed) {
          const Expr t = tile.t0 + loops::min(i, tile.tiles - 1);
          d.add(loops::prefetch(in.v, {in.v_at(tile.x + 1, cb, t, 0)}));
        }
        std::vector<Expr> weights;
        for (int o = 0; o < s_.vectors; ++o) {
          const Expr u = loaded(in.u, {tile.panel, weight, rows + i, o * s_.lanes}, lanes, 3);
          weights.push_back(d.let("u", u));
        }
        d.unrolled("p", 0, tile.tiles, [&](Body& e, Expr p) {
          const Expr v = loaded(in.v, {in.v_at(tile.x, cb, tile.t0 + p, i)});
          const Expr input = e.let("v", loops::broadcast(v, lanes));
          for (int o = 0; o < s_.vectors; ++o) {
            const Expr sum = loaded(acc, {o, p, 0}, lanes, 2);
            e.store(acc, {o, p, 0}, loops::fma(input, weights[static_cast<size_t>(o)], sum), 2);
          }
        });
      });
    });
  });
  add(body, tile.tiles, to, [&](int o, const Expr& p) { return loaded(acc, {o, p, 0}, lanes, 2); });
}

void WinogradSums::add(Body& body, const Expr& weight, const Expr& tiles) const {
  const auto width = static_cast<int>(lanes);
  const int64_t limit = (vector_registers - 1 - vectors) / vectors;
  int64_t count = 1;
  while (count * 2 <= std::min<int64_t>({lanes, limit, 16 / vectors})) count *= 2;
  const int sum_dim = static_cast<int>(sum_at(0, 0).size()) - 1;
  const int e_dim = static_cast<int>(e_at(0, 0, 0).size()) - 1;
  body.loop("i0", 0, lanes, count, [&](Body& b, Expr i0) {
    const auto acc = b.alloc("acc", Scalar::f32, {count, vectors, lanes}, loops::Space::registers);
    const auto each = [&](const std::function<void(Body&, Expr i, int o)>& visit) {
      b.unrolled("c", 0, count, [&](Body& c, Expr i) {
        for (int o = 0; o < vectors; ++o) visit(c, i, o);
      });
    };
    each([&](Body& c, Expr i, int o) { c.store(acc, {i, o, 0}, zeros(width), 2); });
    filtering.each_position(b, weight, [&](Body& p, const Expr& x) {
      p.loop("t", 0, tiles, 1, [&](Body& c, Expr t) {
        std::vector<Expr> gradients;
        for (int o = 0; o < vectors; ++o)
          gradients.push_back(c.let("e", loaded(e, e_at(x, t, o), width, e_dim)));
        c.unrolled("c", 0, count, [&](Body& d, Expr i) {
          const Expr input = d.let("v", loops::broadcast(loaded(v, v_at(x, t, i0 + i)), width));
          for (int o = 0; o < vectors; ++o) {
            const Expr sum = loaded(acc, {i, o, 0}, width, 2);
            d.store(acc, {i, o, 0}, loops::fma(input, gradients[static_cast<size_t>(o)], sum), 2);
          }
        });
      });
    });
    each([&](Body& c, Expr i, int o) {
      const Expr before = loaded(sums, sum_at(i0 + i, o), width, sum_dim);
      c.store(sums, sum_at(i0 + i, o), before + loaded(acc, {i, o, 0}, width, 2), sum_dim);
    });
  });
}

}  // namespace rnc
