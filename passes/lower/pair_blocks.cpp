#include "passes/lower/pair_blocks.h"

namespace rnc {

using loops::Access;
using loops::Expr;

Layout paired(Layout layout) {
  check(layout.blocks.size() == 2 && layout.blocks.front().size % 2 == 0,
        "pairs are of the first of two blocks");
  layout.blocks.front().size /= 2;
  layout.blocks.push_back({layout.blocks.front().dim, 2});
  return layout;
}

Layout unpaired(Layout layout) {
  std::vector<Layout::Block>& blocks = layout.blocks;
  if (blocks.size() != 3 || blocks.back() != Layout::Block{blocks.front().dim, 2}) return layout;
  blocks.front().size *= 2;
  blocks.pop_back();
  return layout;
}

bool pairs_blocks(const Type& from, const Type& to) {
  const std::vector<Layout::Block>& blocks = from.layout.blocks;
  return blocks.size() == 2 && blocks.front().size % 2 == 0 && paired(from.layout) == to.layout;
}

void lower_pair_blocks(Lowering& lowering, ValueId v) {
  const ValueId from = lowering.node(v).inputs[0];
  const std::vector<int64_t> dims = physical_dims(lowering.type(from));
  const int lanes = lowering.lanes();
  const int64_t inputs = dims[dims.size() - 2], outputs = dims.back();
  check(outputs % lanes == 0, "outputs come in whole vectors");
  int64_t rows = 1;
  for (size_t d = 0; d + 2 < dims.size(); ++d) rows *= dims[d];
  KernelBuilder kernel("pair_blocks");
  const auto x = lowering.view(kernel, "x", from, {{rows, 0}, {inputs, 0}, {outputs, 0}}, Access::read);
  const auto y = lowering.view(kernel, "y", v, {{rows, 0}, {inputs / 2, 0}, {2 * outputs, 0}}, Access::write);
  Body body(kernel.names());
  const Expr row = loops::task();
  body.loop("i", 0, inputs / 2, 1, [&](Body& b, Expr i) {
    for (int64_t o = 0; o < outputs; o += lanes) {
      const Expr even = b.let("even", loaded(x, {row, i * 2, o}, lanes, 2));
      const Expr odd = b.let("odd", loaded(x, {row, i * 2 + 1, o}, lanes, 2));
      for (const int half : {0, 1})
        b.store(y, {row, i, 2 * o + half * lanes}, loops::interleave(even, odd, half), 2);
    }
  });
  const int64_t moved = bytes(x->scalar) + bytes(y->scalar);
  lowering.call(kernel, {rows, 0}, body, v, {.bytes = {rows * inputs * outputs * moved, 0}});
}

}  // namespace rnc
