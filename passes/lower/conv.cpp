// Which kernel computes a convolution, judged by shapes and layouts.
#include <fmt/format.h>

#include <numeric>

#include "passes/lower/conv/direct/direct.h"
#include "passes/lower/conv/direct/grouped.h"
#include "passes/lower/conv/direct/weight_grad.h"
#include "passes/lower/conv/winograd/weight_grad.h"
#include "passes/lower/conv/winograd/winograd.h"
#include "passes/lower/rules.h"

namespace rnc {
namespace {

loops::Work work_of(const ConvShape& shape, const char* direction) {
  return {{0, shape.flops_per_sample()}, {}, "direct", direction};
}

std::string kernel_name(const char* what, const ConvShape& s) {
  return fmt::format("{}_{}x{}s{}_{}_{}_{}x{}{}", what, s.h.kernel, s.w.kernel, s.h.stride, s.channels,
                     s.outputs, s.h.out, s.w.out, s.groups > 1 ? fmt::format("g{}", s.groups) : "");
}

GridAxis forward_axis(const ConvShape::Axis& a) {
  GridAxis g;
  g.grid = a.out;
  g.in = a.in;
  g.step = a.stride;
  g.first = -a.pad;
  g.taps = a.kernel;
  g.tap_step = a.dilation;
  return g;
}

// The input gradient at row i sums dy(o) w(k) over the k with i + pad - k * dilation = o * stride. So rows of
// equal i mod stride have the same taps: one grid for each such phase.
std::vector<GridAxis> input_grad_axes(const ConvShape::Axis& a) {
  std::vector<GridAxis> axes;
  for (int64_t phase = 0; phase < a.stride && phase < a.in; ++phase) {
    GridAxis g;
    g.grid = ceil_div(a.in - phase, a.stride);
    g.in = a.out;
    g.out_step = a.stride;
    g.out_phase = phase;
    g.taps = 0;
    g.tap_index_step = a.stride / std::gcd(a.dilation, a.stride);
    g.tap_step = -g.tap_index_step * a.dilation / a.stride;
    for (int64_t k = a.kernel - 1; k >= 0; --k) {
      if ((phase + a.pad - k * a.dilation) % a.stride != 0) continue;
      g.tap0 = k;
      g.first = (phase + a.pad - k * a.dilation) / a.stride;
      ++g.taps;
    }
    axes.push_back(g);
  }
  return axes;
}

// A map seen as one row.
void flatten_grid(DirectConv& conv) {
  GridAxis row, all;
  row.grid = row.in = 1;
  all.grid = all.in = conv.in_h * conv.in_w;
  conv.grids = {{row, all}};
  conv.in_w = conv.out_w = conv.in_h * conv.in_w;
  conv.in_h = conv.out_h = 1;
}

// If an input gradient's weight lies as the forward convolution reads it, that one's panel of outputs; else
// 0.
int64_t forward_panel(const Lowering& lowering, ValueId weight) {
  const Layout& layout = lowering.type(weight).layout;
  const bool forward = layout.order.empty() && !layout.blocks.empty() && layout.blocks.back().dim == 0;
  return forward ? layout.blocks.back().size : 0;
}

// `packed`: a grouped weight as choose_layout has had it packed, or kNoValue.
void use_weight(Lowering& lowering, DirectConv& conv, const ConvShape& shape, ValueId weight, ValueId packed,
                bool transposed) {
  const int lanes = lowering.lanes();
  conv.kernel_w = shape.w.kernel;
  conv.kernel_taps = shape.h.kernel * shape.w.kernel;
  conv.in_blocks = conv.plain_input ? conv.in_channels : ceil_div(conv.in_channels, lanes);
  if (shape.groups == 1) {
    conv.weight = lowering.buffer(weight);
    conv.pairs = is_stored_only(lowering.type(weight));
    const Layout& layout = transposed && forward_panel(lowering, weight) > 0
                               ? input_grad_weight_layout(shape, lowering.target())
                               : lowering.type(weight).layout;
    conv.vectors = static_cast<int>(layout.block(transposed ? 1 : 0) / lanes);
    return;
  }
  check(!conv.plain_input, "grouped convolutions read channels in blocks");
  const GroupedWeight grouped = transposed ? input_grad_grouped_weight(shape, lowering.target())
                                           : forward_grouped_weight(shape, lowering.target());
  conv.vectors = static_cast<int>(grouped.panel / lanes);
  conv.spread = grouped.spread;
  conv.outputs_per_group = grouped.outputs_per_group();
  conv.inputs_per_group = grouped.inputs_per_group();
  conv.in_blocks = grouped.blocks();
  if (packed != kNoValue) {
    conv.weight = lowering.buffer(packed);
    return;
  }
  const int64_t floats = elements_per_sample(grouped.shape(conv.kernel_taps));
  conv.weight = lowering.temporary("grouped weight", {kFloatBytes * floats, 0});
  pack_grouped_weight(lowering, grouped, weight, transposed, conv.weight, conv.out);
}

// In training, the weights change in every step, and Winograd has to transform them first.
void lower_training(Lowering& lowering, const Group& group, const DirectConv& conv, const Node& node,
                    int64_t forward_panel = 0) {
  const int m = tile_of(algorithm_of(node));
  check(m > 0 || forward_panel == 0, "a direct input gradient has weights of its own layout");
  if (m == 0) return lower_direct(lowering, group, conv);
  lower_winograd(lowering, group, conv,
                 {.filtering = filtering(conv_shape(lowering.graph(), node), m),
                  .forward_panel = forward_panel,
                  .input_grad = node.op == Op::conv2d_input_grad});
}

// With weights that choose_layout has had transformed.
void lower_transformed(Lowering& lowering, const Group& group, const DirectConv& conv, const Node& node,
                       ValueId transformed) {
  const int m = tile_of(algorithm_of(node));
  const bool batch = has_batch(lowering.type(conv.in).shape);
  lower_winograd(lowering, group, conv,
                 {.filtering = filtering(conv_shape(lowering.graph(), node), m),
                  .transformed = lowering.buffer(transformed),
                  .from_batch = batch ? node.attributes.get<int64_t>("from_batch") : 1});
}

}  // namespace

void lower_conv2d(Lowering& lowering, const Group& group) {
  const ValueId v = anchor_of(lowering.graph(), group);
  const Node& node = lowering.node(v);
  const ConvShape shape = conv_shape(lowering.graph(), node);
  DirectConv conv;
  conv.name = kernel_name("conv", shape);
  conv.out = v;
  conv.in = node.inputs[0];
  conv.bias = operand(node, "bias");
  conv.plain_input = lowering.type(conv.in).layout.plain();
  conv.in_channels = shape.channels;
  conv.out_channels = shape.outputs;
  conv.in_h = shape.h.in;
  conv.in_w = shape.w.in;
  conv.out_h = shape.h.out;
  conv.out_w = shape.w.out;
  conv.grids = {{forward_axis(shape.h), forward_axis(shape.w)}};
  conv.work = work_of(shape, "forward");
  if (flattens(shape)) flatten_grid(conv);
  use_weight(lowering, conv, shape, node.inputs[1], operand(node, "packed"), false);
  const ValueId transformed = operand(node, "transformed");
  if (transformed != kNoValue) return lower_transformed(lowering, group, conv, node, transformed);
  lower_training(lowering, group, conv, node);
}

void lower_conv2d_input_grad(Lowering& lowering, const Group& group) {
  const ValueId v = anchor_of(lowering.graph(), group);
  const Node& node = lowering.node(v);
  const ConvShape shape = conv_shape(lowering.graph(), node);
  DirectConv conv;
  conv.name = kernel_name("conv_input_grad", shape);
  conv.out = v;
  conv.in = node.inputs[0];
  conv.in_channels = shape.outputs;
  conv.out_channels = shape.channels;
  conv.in_h = shape.h.out;
  conv.in_w = shape.w.out;
  conv.out_h = shape.h.in;
  conv.out_w = shape.w.in;
  for (const GridAxis& h : input_grad_axes(shape.h)) {
    for (const GridAxis& w : input_grad_axes(shape.w)) conv.grids.emplace_back(h, w);
  }
  conv.work = work_of(shape, "input_grad");
  if (flattens(shape)) flatten_grid(conv);
  use_weight(lowering, conv, shape, node.inputs[1], kNoValue, true);
  lower_training(lowering, group, conv, node,
                 shape.groups == 1 ? forward_panel(lowering, node.inputs[1]) : 0);
}

void lower_winograd_weight(Lowering& lowering, const Group& group) {
  const ValueId v = group.front();
  const Node& node = lowering.node(v);
  const Type& w = lowering.type(node.inputs[0]);
  const int64_t panel = w.layout.block(0);
  const WeightTransform weights{.from = lowering.buffer(node.inputs[0]),
                                .to = lowering.buffer(v),
                                .panels = ceil_div(w.shape[0], panel),
                                .blocks = ceil_div(w.shape[1], lowering.lanes()),
                                .panel = panel,
                                .rows = ceil_div(w.shape[1], lowering.lanes()) * lowering.lanes()};
  const auto attribute = [&](const char* name) {
    return static_cast<int>(node.attributes.get<int64_t>(name));
  };
  transform_weights(lowering, weights, {attribute("tile"), attribute("stride")}, v, "");
}

void lower_grouped_weight(Lowering& lowering, const Group& group) {
  const ValueId v = group.front();
  const ValueId weight = lowering.node(v).inputs[0];
  pack_grouped_weight(lowering, grouped_weight(lowering.node(v), lowering.type(weight).shape), weight, false,
                      lowering.buffer(v), v);
}

void lower_conv2d_weight_grad(Lowering& lowering, const Group& group) {
  const ValueId v = anchor_of(lowering.graph(), group);
  const Node& node = lowering.node(v);
  const int lanes = lowering.lanes();
  WeightGrad conv;
  conv.shape = conv_shape(lowering.graph(), node);
  conv.name = kernel_name("conv_weight_grad", conv.shape);
  conv.dy = node.inputs[0];
  conv.x = node.inputs[1];
  conv.of = v;
  conv.plain_input = lowering.type(conv.x).layout.plain();
  conv.work = work_of(conv.shape, "weight_grad");
  const Layout layout = forward_weight_layout(conv.shape, conv.plain_input, lowering.target());
  conv.vectors = static_cast<int>(layout.block(0) / lanes);
  conv.in_blocks = conv.plain_input ? conv.shape.channels : ceil_div(conv.shape.channels, lanes);
  if (conv.shape.groups == 1) {
    check(node.type.layout == layout, "a weight gradient has the layout its kernel writes");
    conv.result = lowering.buffer(v);
    const int m = tile_of(algorithm_of(node));
    return m > 0 ? lower_winograd_weight_grad(lowering, group, conv, m) : lower_weight_grad(lowering, conv);
  }
  conv.spread = spread_channels(conv.shape, lanes);
  conv.outputs_per_group = conv.shape.outputs / conv.shape.groups;
  conv.inputs_per_group = conv.shape.channels / conv.shape.groups;
  conv.in_blocks = forward_grouped_weight(conv.shape, lowering.target()).blocks();
  const int64_t panels = ceil_div(conv.shape.outputs, conv.vectors * lanes);
  const int64_t taps = conv.shape.h.kernel * conv.shape.w.kernel;
  conv.result = lowering.temporary(
      "grouped weight gradient",
      {panels * conv.in_blocks * taps * conv.weight_lanes(lanes) * conv.vectors * lanes * kFloatBytes, 0});
  lower_weight_grad(lowering, conv);
  unpack_grouped_weight_grad(lowering, conv, v);
}

}  // namespace rnc
