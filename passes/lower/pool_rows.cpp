#include "passes/lower/pool_rows.h"

#include <limits>

namespace rnc {

using loops::Expr;
using loops::Scalar;

Expr replaces(const Expr& x, const Expr& m) {
  return loops::binary(loops::Binary::logic_or, loops::less(m, x), loops::binary(loops::Binary::ne, x, x));
}

Expr lowest(int lanes) {
  return loops::constant(Scalar::f32, -std::numeric_limits<double>::infinity(), lanes);
}

Expr inside(const Expr& i, int64_t size) {
  return loops::binary(loops::Binary::logic_and, loops::less_equal(0, i), loops::less(i, size));
}

PoolRows::PoolRows(Body& body, const PoolAxis& h, const PoolAxis& w, FusedInput& input, Expr n, Expr block,
                   int lanes)
    : h_(h), w_(w), input_(input), n_(std::move(n)), block_(std::move(block)), lanes_(lanes) {
  columns_ = std::max(w.in + w.pad + w.pad_after, (w.out - 1) * w.stride + w.kernel);
  rows_ = body.alloc("rows", Scalar::f32, {h.kernel, columns_, lanes}, loops::Space::scratch);
  input_.channels(body, block_ * lanes);
  body.loop("r", 0, h.kernel, 1, [&](Body& b, Expr slot) {
    fill(b, slot, 0, w_.pad);
    fill(b, slot, w_.pad + w_.in, columns_);
  });
  body.loop("r", 0, overlap(), 1, [&](Body& b, Expr r) { load(b, r); });
}

void PoolRows::advance(Body& body, const Expr& oh) const {
  const Expr first = oh * h_.stride;
  body.loop("r", first + overlap(), first + h_.kernel, 1, [&](Body& b, Expr r) { load(b, r); });
}

void PoolRows::prefetch(Body& body, const Expr& oh, const Expr& ow) const {
  for (int64_t r = h_.stride + overlap(); r < h_.stride + h_.kernel; ++r) {
    for (int64_t c = 0; c < w_.stride; ++c)
      input_.prefetch(body, {n_, block_, oh * h_.stride + (r - h_.pad), ow * w_.stride + c, 0});
  }
}

std::vector<Expr> PoolRows::slots(Body& body, const Expr& oh) const {
  std::vector<Expr> slots;
  for (int64_t kh = 0; kh < h_.kernel; ++kh)
    slots.push_back(body.let("slot", (oh * h_.stride + kh) % h_.kernel));
  return slots;
}

std::vector<Expr> PoolRows::window(Body& body, const std::vector<Expr>& slots, const Expr& ow) const {
  std::vector<Expr> values;
  for (const Expr& slot : slots) {
    for (int64_t kw = 0; kw < w_.kernel; ++kw) {
      values.push_back(body.let("v", loaded(rows_, {slot, ow * w_.stride + kw, 0}, lanes_, 2)));
    }
  }
  return values;
}

void PoolRows::fill(Body& body, const Expr& slot, Expr begin, Expr end) const {
  body.loop("c", std::move(begin), std::move(end), 1, [&](Body& b, Expr c) {
    b.store(rows_, {slot, c, 0}, lowest(lanes_), 2);
  });
}

void PoolRows::load(Body& body, const Expr& r) const {
  const Expr slot = body.let("slot", r % h_.kernel), h = body.let("h", r - h_.pad);
  const bool padded = h_.interior() != std::pair<int64_t, int64_t>{0, h_.out};
  body.when(
      padded ? inside(h, h_.in) : Expr(),
      [&](Body& b) {
        b.loop("w", 0, w_.in, 1, [&](Body& c, Expr w) {
          c.store(rows_, {slot, w + w_.pad, 0}, input_.load(c, {n_, block_, h, w, 0}), 2);
        });
      },
      [&](Body& b) { fill(b, slot, w_.pad, w_.pad + w_.in); });
}

}  // namespace rnc
