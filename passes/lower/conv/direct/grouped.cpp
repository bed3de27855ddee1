#include "passes/lower/conv/direct/grouped.h"

#include <algorithm>

namespace rnc {

using loops::Access;
using loops::Expr;
using loops::Extent;
using loops::Scalar;

namespace {

// As GroupedWeight::first_block.
Expr first_block(const Expr& panel, int64_t panel_size, int64_t outputs_per_group, int64_t inputs_per_group,
                 int64_t lanes, int64_t last) {
  return loops::min(panel * panel_size / outputs_per_group * inputs_per_group / lanes, last);
}

}  // namespace

Expr first_block(const DirectConv& conv, Expr panel, int lanes) {
  if (conv.outputs_per_group == 0) return 0;
  return first_block(panel, int64_t{conv.vectors} * lanes, conv.outputs_per_group, conv.inputs_per_group,
                     lanes, ceil_div(conv.in_channels, lanes) - conv.in_blocks);
}

void pack_grouped_weight(Lowering& lowering, const GroupedWeight& g, ValueId weight, bool transposed, int to,
                         ValueId of) {
  const Shape& shape = lowering.type(weight).shape;
  const int64_t taps = shape[2] * shape[3], blocks = g.blocks();
  KernelBuilder kernel("pack_grouped_weight");
  const auto w = lowering.view(kernel, "w", weight, {{shape[0], 0}, {shape[1], 0}, {taps, 0}}, Access::read);
  std::vector<Extent> dims;
  for (const int64_t dim : g.shape(taps)) dims.push_back({dim, 0});
  const auto packed = kernel.param("packed", to, Scalar::f32, dims, Access::write);
  Body body(kernel.names());
  const Expr panel = body.let("panel", loops::task() / blocks);
  const Expr block = body.let("block", loops::task() % blocks);
  const Expr of_panel = first_block(panel, g.panel, g.outputs_per_group(), g.inputs_per_group(), g.lanes,
                                    (g.inputs + g.lanes - 1) / g.lanes - blocks);
  const Expr first = body.let("first", (of_panel + block) * g.lanes);
  body.loop("i", 0, g.rows(), 1, [&](Body& b, Expr i) {
    b.loop("o", 0, g.panel, 1, [&](Body& c, Expr o) {
      const Expr out = c.let("out", panel * g.panel + o);
      const Expr group = c.let("group", out / g.outputs_per_group());
      const Expr in_group = g.spread > 0 ? i : c.let("in_group", first + i - group * g.inputs_per_group());
      Expr same = loops::binary(loops::Binary::logic_and, loops::less_equal(0, in_group),
                                loops::less(in_group, g.inputs_per_group()));
      same = loops::binary(loops::Binary::logic_and, same, loops::less(out, g.outputs));
      const Expr out_in_group = out - group * g.outputs_per_group();
      const auto each_tap = [&](Body& d, bool zero) {
        d.loop("t", 0, taps, 1, [&](Body& e, Expr t) {
          // Weight rows are the forward outputs, which the input gradient reads.
          const std::vector<Expr> at =
              transposed ? std::vector<Expr>{group * g.inputs_per_group() + in_group, out_in_group, t}
                         : std::vector<Expr>{out, in_group, t};
          e.store(packed, {panel, block, t, i, o}, zero ? loops::constant(Scalar::f32, 0) : loaded(w, at));
        });
      };
      c.when(same, [&](Body& d) { each_tap(d, false); });
      c.when(loops::binary(loops::Binary::eq, loops::cast(same, Scalar::i64), 0),
             [&](Body& d) { each_tap(d, true); });
    });
  });
  const int64_t floats = elements_per_sample(g.shape(taps));
  lowering.call(kernel, {g.panels() * blocks, 0}, body, of, {.bytes = {8 * floats, 0}});
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
      d.store(dw, {out, c, t}, loaded(packed, {panel, block, t, lane, out % panel_size}));
    });
  });
  lowering.call(kernel, {conv.shape.outputs, 0}, body, result, {{}, {}, "", "weight_grad"});
}

}  // namespace rnc
