#include "passes/lower/conv/grouped.h"

#include <algorithm>

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::Scalar;

int64_t grouped_blocks(int64_t in_channels, int64_t out_channels, int64_t groups, int64_t panel, int lanes) {
  const int64_t outputs = out_channels / groups, inputs = in_channels / groups;
  int64_t most = 1;
  for (int64_t o = 0; o < out_channels; o += panel) {
    const int64_t last = std::min(o + panel, out_channels) - 1;
    const int64_t first = o / outputs * inputs / lanes, end = ceil_div((last / outputs + 1) * inputs, lanes);
    most = std::max(most, end - first);
  }
  return most;
}

Expr first_block(const DirectConv& conv, Expr panel, int lanes) {
  if (conv.outputs_per_group == 0) return 0;
  const int64_t all = ceil_div(conv.in_channels, lanes);
  const Expr group = panel * (conv.vectors * lanes) / conv.outputs_per_group;
  return loops::min(group * conv.inputs_per_group / lanes, all - conv.in_blocks);
}

int pack_grouped_weight(Lowering& lowering, const DirectConv& conv, ValueId weight, bool transposed) {
  const int lanes = lowering.lanes(), in_lanes = conv.plain_input ? 1 : lanes;
  const int64_t panel_size = conv.vectors * lanes, panels = ceil_div(conv.out_channels, panel_size);
  const Shape& shape = lowering.type(weight).shape;
  const int64_t taps = shape[2] * shape[3];
  const int64_t weight_lanes = conv.weight_lanes(lanes);
  const int64_t floats = panels * conv.in_blocks * taps * weight_lanes * panel_size;
  const int buffer = lowering.temporary("grouped weight", {floats * 4, 0});
  KernelBuilder kernel("pack_grouped_weight");
  const auto w = lowering.view(kernel, "w", weight, {{shape[0], 0}, {shape[1], 0}, {taps, 0}}, Access::read);
  const auto packed = kernel.param(
      "packed", buffer, Scalar::f32,
      {{panels, 0}, {conv.in_blocks, 0}, {taps, 0}, {weight_lanes, 0}, {panel_size, 0}}, Access::write);
  Body body(kernel.names());
  const Expr panel = body.let("panel", loops::task() / conv.in_blocks);
  const Expr block = body.let("block", loops::task() % conv.in_blocks);
  const Expr first = body.let("first", (first_block(conv, panel, in_lanes) + block) * in_lanes);
  body.loop("i", 0, weight_lanes, 1, [&](Body& b, Expr i) {
    b.loop("o", 0, panel_size, 1, [&](Body& c, Expr o) {
      const Expr out = c.let("out", panel * panel_size + o);
      const Expr group = c.let("group", out / conv.outputs_per_group);
      const Expr in_group =
          conv.spread > 0 ? i : c.let("in_group", first + i - group * conv.inputs_per_group);
      Expr same = loops::binary(loops::Binary::logic_and, loops::less_equal(0, in_group),
                                loops::less(in_group, conv.inputs_per_group));
      same = loops::binary(loops::Binary::logic_and, same, loops::less(out, conv.out_channels));
      const Expr out_in_group = out - group * conv.outputs_per_group;
      const auto each_tap = [&](Body& d, bool zero) {
        d.loop("t", 0, taps, 1, [&](Body& e, Expr t) {
          // Weight rows are the forward outputs, which the input gradient reads.
          const std::vector<Expr> at =
              transposed ? std::vector<Expr>{group * conv.inputs_per_group + in_group, out_in_group, t}
                         : std::vector<Expr>{out, in_group, t};
          e.store(packed, {panel, block, t, i, o},
                  zero ? loops::constant(Scalar::f32, 0) : loops::load(w, at));
        });
      };
      c.when(same, [&](Body& d) { each_tap(d, false); });
      c.when(loops::binary(loops::Binary::eq, loops::cast(same, Scalar::i64), 0),
             [&](Body& d) { each_tap(d, true); });
    });
  });
  lowering.call(kernel, {panels * conv.in_blocks, 0}, body, conv.out, {{}, {8 * floats, 0}, "", ""});
  return buffer;
}

void unpack_grouped_weight_grad(Lowering& lowering, const WeightGrad& conv, ValueId result) {
  const int lanes = lowering.lanes(), in_lanes = conv.plain_input ? 1 : lanes;
  const int64_t panel_size = conv.vectors * lanes, panels = ceil_div(conv.shape.outputs, panel_size);
  const Shape& shape = lowering.type(result).shape;
  const int64_t taps = shape[2] * shape[3], weight_lanes = conv.weight_lanes(lanes);
  KernelBuilder kernel("unpack_grouped_weight");
  const auto packed = kernel.param(
      "packed", conv.result, Scalar::f32,
      {{panels, 0}, {conv.in_blocks, 0}, {taps, 0}, {weight_lanes, 0}, {panel_size, 0}}, Access::read);
  const auto dw =
      lowering.view(kernel, "dw", result, {{shape[0], 0}, {shape[1], 0}, {taps, 0}}, Access::write);
  DirectConv grouping;
  grouping.vectors = conv.vectors;
  grouping.in_channels = conv.shape.channels;
  grouping.in_blocks = conv.in_blocks;
  grouping.outputs_per_group = conv.outputs_per_group;
  grouping.inputs_per_group = conv.inputs_per_group;
  Body body(kernel.names());
  const Expr out = loops::task();
  const Expr panel = body.let("panel", out / panel_size);
  const Expr first = body.let("first", first_block(grouping, panel, in_lanes));
  body.loop("c", 0, shape[1], 1, [&](Body& b, Expr c) {
    const Expr in = b.let("in", out / conv.outputs_per_group * conv.inputs_per_group + c);
    const Expr block =
        loops::min(in / in_lanes - first, conv.in_blocks - 1);  // never more, see grouped_blocks
    const Expr lane = conv.spread > 0 ? c : in % in_lanes;
    b.loop("t", 0, taps, 1, [&](Body& d, Expr t) {
      d.store(dw, {out, c, t}, loops::load(packed, {panel, block, t, lane, out % panel_size}));
    });
  });
  lowering.call(kernel, {conv.shape.outputs, 0}, body, result, {{}, {}, "", "weight_grad"});
}

}  // namespace rnc
