// The rows of a max pool's operand: each is loaded once, and what the kernel computes it from is computed
// once, into a ring of as many rows as a window has, with the padding written out; windows then read it
// without checks.
#pragma once

#include <algorithm>

#include "passes/lower/fused_input.h"
#include "passes/lower/pool_axis.h"

namespace rnc {

// Whether x replaces the maximum m: it is larger, or NaN.
loops::Expr replaces(const loops::Expr& x, const loops::Expr& m);
// What padding counts as: minus infinity.
loops::Expr lowest(int lanes);
// Whether i is in [0, size).
loops::Expr inside(const loops::Expr& i, int64_t size);

// The rows that the windows of one row of the output see, of one image and block of channels. Row r lies at
// r % kernel; r counts from the first row of padding.
class PoolRows {
 public:
  PoolRows(Body& body, const PoolAxis& h, const PoolAxis& w, FusedInput& input, loops::Expr n,
           loops::Expr block, int lanes);

  // Loads the rows of output row `oh` that those before did not need.
  void advance(Body& body, const loops::Expr& oh) const;
  // Asks for what the next output row needs under column ow of this one: so the operand comes from memory
  // while windows are compared.
  void prefetch(Body& body, const loops::Expr& oh, const loops::Expr& ow) const;
  // Where the rows of output row `oh` lie.
  std::vector<loops::Expr> slots(Body& body, const loops::Expr& oh) const;
  // The elements of the window in column `ow` of these rows, in row-major order.
  std::vector<loops::Expr> window(Body& body, const std::vector<loops::Expr>& slots,
                                  const loops::Expr& ow) const;

 private:
  int64_t overlap() const { return std::max<int64_t>(h_.kernel - h_.stride, 0); }
  void fill(Body& body, const loops::Expr& slot, loops::Expr begin, loops::Expr end) const;
  void load(Body& body, const loops::Expr& r) const;

  const PoolAxis& h_;
  const PoolAxis& w_;
  FusedInput& input_;
  loops::Expr n_, block_;
  int lanes_;
  int64_t columns_;
  loops::MemoryRef rows_;
};

}  // namespace rnc
