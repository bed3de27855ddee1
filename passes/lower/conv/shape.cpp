#include "passes/lower/conv/shape.h"

#include <algorithm>
#include <cmath>

namespace rnc {

std::pair<int64_t, int64_t> ConvShape::Axis::valid_outputs(int64_t tap) const {
  const int64_t offset = tap * dilation - pad;
  int64_t low = 0, high = out;
  while (low < high && low * stride + offset < 0) ++low;
  while (low < high && (high - 1) * stride + offset >= in) --high;
  return {low, high};
}

ConvShape conv_shape(const Graph& graph, const Node& node) {
  const auto type = [&](size_t i) -> const Type& { return graph[node.inputs[i]].type; };
  const Shape& x = node.op == Op::conv2d              ? type(0).shape
                   : node.op == Op::conv2d_input_grad ? node.type.shape
                                                      : type(1).shape;
  const Shape& y = node.op == Op::conv2d ? node.type.shape : type(0).shape;
  const Shape& w = node.op == Op::conv2d_weight_grad ? node.type.shape : type(1).shape;
  ConvShape shape;
  shape.channels = x[1];
  shape.outputs = y[1];
  shape.groups = node.attributes.get<int64_t>("groups");
  const auto axis = [&](size_t i) {
    const auto at = [&](const char* name, size_t place) {
      return node.attributes.get<std::vector<int64_t>>(name)[place];
    };
    return ConvShape::Axis{x[2 + i],     y[2 + i],          w[2 + i],        at("stride", i),
                           at("pad", i), at("dilation", i), at("pad", 2 + i)};
  };
  shape.h = axis(0);
  shape.w = axis(1);
  shape.layer = node.layer.empty() ? node.name : node.layer;
  return shape;
}

Tile choose_tile(int64_t blocks, int64_t width, const TargetInfo& target) {
  constexpr double kFmaPerCycle = 2, kLoadsPerCycle = 2, kLatency = 4;
  Tile best;
  double best_cycles = 1e300;
  for (const int vectors : {2, 1, 3, 4}) {
    const int limit = (target.vector_registers - 1 - vectors) / vectors;
    if (blocks % vectors != 0 || limit < 1) continue;
    const int64_t tiles = (width + limit - 1) / limit;
    double cycles = 0;
    for (int64_t t = 0; t < tiles; ++t) {
      const auto pixels = static_cast<double>(width / tiles + (t < width % tiles ? 1 : 0));
      cycles += std::max({vectors * pixels / kFmaPerCycle, (vectors + pixels) / kLoadsPerCycle, kLatency});
    }
    cycles *= static_cast<double>(blocks / vectors);
    if (cycles < best_cycles * 0.999) {
      best_cycles = cycles;
      best = {vectors, static_cast<int>((width + tiles - 1) / tiles)};
    }
  }
  return best;
}

int64_t spread_channels(const ConvShape& shape, int lanes) {
  const int64_t channels = shape.channels / shape.groups;
  const bool spreads = shape.groups > 1 && channels == shape.outputs / shape.groups && channels < lanes &&
                       lanes % channels == 0;
  return spreads ? channels : 0;
}

bool flattens(const ConvShape& shape) { return shape.pointwise() && shape.w.in < 28; }

namespace {

int64_t blocks_of(int64_t channels, const TargetInfo& target) {
  return (channels + target.lanes(DType::f32) - 1) / target.lanes(DType::f32);
}

int64_t panel(int64_t channels, int64_t groups, int64_t width, const TargetInfo& target) {
  const int64_t per_group = channels / groups;
  const bool whole_vectors = groups == 1 || per_group % target.lanes(DType::f32) == 0;
  const int64_t blocks = whole_vectors ? blocks_of(per_group, target) : 1;
  return choose_tile(blocks, width, target).vectors * target.lanes(DType::f32);
}

}  // namespace

Layout forward_weight_layout(const ConvShape& shape, bool plain_input, const TargetInfo& target) {
  const int64_t width = flattens(shape) ? shape.h.out * shape.w.out : shape.w.out;
  Layout layout;
  if (!plain_input) layout.blocks.push_back({1, target.lanes(DType::f32)});
  layout.blocks.push_back({0, panel(shape.outputs, shape.groups, width, target)});
  return layout;
}

Layout input_grad_weight_layout(const ConvShape& shape, const TargetInfo& target) {
  const int64_t width =
      flattens(shape) ? shape.h.in * shape.w.in : (shape.w.in + shape.w.stride - 1) / shape.w.stride;
  return {{1, 0, 2, 3},
          {{0, target.lanes(DType::f32)}, {1, panel(shape.channels, shape.groups, width, target)}}};
}

GroupedWeight forward_grouped_weight(const ConvShape& shape, const TargetInfo& target) {
  return {.outputs = shape.outputs,
          .inputs = shape.channels,
          .groups = shape.groups,
          .lanes = target.lanes(DType::f32),
          .panel = forward_weight_layout(shape, false, target).block(0),
          .spread = spread_channels(shape, target.lanes(DType::f32))};
}

GroupedWeight input_grad_grouped_weight(const ConvShape& shape, const TargetInfo& target) {
  return {.outputs = shape.channels,
          .inputs = shape.outputs,
          .groups = shape.groups,
          .lanes = target.lanes(DType::f32),
          .panel = input_grad_weight_layout(shape, target).block(1),
          .spread = spread_channels(shape, target.lanes(DType::f32))};
}

}  // namespace rnc
