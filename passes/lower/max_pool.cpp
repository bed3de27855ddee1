// Max pooling over values in channel blocks: a task is one block of channels of one image.
#include <algorithm>
#include <optional>

#include "passes/lower/pool_rows.h"
#include "passes/lower/rules.h"

namespace rnc {

using loops::Expr;

// The largest of each window, or the element of another map that lies where it does, and the fused group
// after it.
void lower_max_pool(Lowering& lowering, const Group& group) {
  const ValueId v = anchor_of(lowering.graph(), group);
  const Node& node = lowering.node(v);
  const bool selects = node.op == Op::max_pool_select;
  const ValueId x = node.inputs.back();
  const Type &large = lowering.type(x), &small = lowering.type(v);
  const PoolAxis h = pool_axis(node, large, small, 0), w = pool_axis(node, large, small, 1);
  const int lanes = lowering.lanes();
  const int64_t blocks = physical_dims(large)[1];
  KernelBuilder kernel(std::string(name(node.op)));
  FusedInput input(lowering, kernel, group, "x", x, physical_extents(large));
  std::optional<FusedInput> choices;
  if (selects) choices.emplace(lowering, kernel, group, "from", node.inputs[0], physical_extents(large));
  FusedCode code(lowering, kernel, epilogue_of(lowering.graph(), group), v, small, physical_extents(small));
  Body body(kernel.names());
  const Expr n = body.let("n", loops::task() / blocks), block = body.let("cb", loops::task() % blocks);
  const FusedCode::Values channels = code.channels(body, block * lanes, lanes, true);
  const PoolRows rows(body, h, w, input, n, block, lanes);
  std::optional<PoolRows> others;
  if (selects) others.emplace(body, h, w, *choices, n, block, lanes);
  body.loop("oh", 0, h.out, 1, [&](Body& b, Expr oh) {
    rows.advance(b, oh);
    if (others) others->advance(b, oh);
    const std::vector<Expr> slots = rows.slots(b, oh);
    b.loop("ow", 0, w.out, 1, [&](Body& c, Expr ow) {
      rows.prefetch(c, oh, ow);
      const std::vector<Expr> window = rows.window(c, slots, ow);
      const std::vector<Expr> choice = others ? others->window(c, slots, ow) : window;
      Expr best = lowest(lanes), chosen = best;
      for (size_t i = 0; i < window.size(); ++i) {
        const Expr better = c.let("better", replaces(window[i], best));
        best = c.let("m", loops::select(better, window[i], best));
        chosen = others ? c.let("chosen", loops::select(better, choice[i], chosen)) : best;
      }
      FusedCode::Values values = channels;
      values[v] = chosen;
      code.at(c, {{n, block, oh, ow, 0}, lanes, 4, {}}, values);
    });
  });
  Group read = input.operands();
  if (selects && std::ranges::find(read, node.inputs[0]) == read.end()) read.push_back(node.inputs[0]);
  const int64_t in = kFloatBytes * static_cast<int64_t>(read.size()), out = code.bytes_per_element();
  const int64_t bytes = lanes * blocks * (h.in * w.in * in + h.out * w.out * out);
  lowering.call(kernel, {0, blocks}, body, v, {.bytes = {0, bytes}});
}

}  // namespace rnc
