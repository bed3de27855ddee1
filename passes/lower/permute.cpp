// Dimensions in another order, of plain values: a task makes one index of the first dimension, or of the first two; lanes
// run along the last dimension of the result, which lies together there and in the operand only where it is last there,
// too.
#include <algorithm>
#include <functional>

#include "passes/lower/rules.h"

namespace rnc {

using loops::Expr;
using loops::Extent;

void lower_permute(Lowering& lowering, const Group& group) {
  const ValueId v = group.front();
  const Node& node = lowering.node(v);
  const auto& order = node.attributes.get<std::vector<int64_t>>("order");
  const Shape& shape = node.type.shape;
  // A vector of channels has zeros behind it.
  if (shape.size() == 1)
    return lowering.copy(lowering.buffer(node.inputs[0]), lowering.buffer(v), node.type, v);
  const int lanes = lowering.lanes();
  const size_t last = shape.size() - 1, serial = std::min<size_t>(last, 2);
  KernelBuilder kernel("permute");
  const auto x = lowering.read(kernel, "x", node.inputs[0]);
  const auto y = lowering.write(kernel, "y", v);
  Body body(kernel.names());
  std::vector<Expr> at(shape.size(), Expr(0));
  Extent tasks = last == 0 ? Extent{1, 0} : extent_of(shape[0]);
  if (last > 0) at[0] = loops::task();
  if (serial == 2) {
    at[0] = body.let("n", loops::task() / shape[1]);
    at[1] = body.let("c", loops::task() % shape[1]);
    tasks = tasks * shape[1];
  }
  const std::function<void(Body&, size_t)> loop = [&](Body& outer, size_t d) {
    outer.loop("i", 0, shape[d], d == last ? lanes : 1, [&](Body& inner, Expr i) {
      at[d] = i;
      if (d < last) return loop(inner, d + 1);
      std::vector<Expr> from(shape.size());
      for (size_t k = 0; k < order.size(); ++k) from[static_cast<size_t>(order[k])] = at[k];
      const Expr valid = shape[d] % lanes == 0 ? Expr() : inner.let("valid", loops::min(lanes, shape[d] - i));
      inner.store(y, at, loaded(x, from, lanes, static_cast<int>(order[last]), valid), static_cast<int>(last),
                  valid);
    });
  };
  loop(body, serial);
  lowering.call(kernel, tasks, body, v, {.bytes = elements(node.type) * (2 * kFloatBytes)});
}

}  // namespace rnc
