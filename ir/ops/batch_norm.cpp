// Batch normalisation (Ioffe & Szegedy 2015, as PyTorch's batch_norm) and the channel reductions it is made
// of. A channel's statistics go over the batch and all space dimensions of [N, C, ...].
#include <fmt/format.h>

#include <cmath>

#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Type infer_batch_norm(const Node& node, Types in) {
  require_rank_at_least(node, in[0], 2, "the input");
  const Shape channels{in[0].shape[1]};
  require_shape(node, in[1], channels, "the weight");
  require_shape(node, in[2], channels, "the bias");
  require_shape(node, in[3], channels, "the running mean");
  require_shape(node, in[4], channels, "the running variance");
  const auto eps = node.attributes.get<double>("eps");
  if (!(eps >= 0) || std::isinf(eps)) fail(node, fmt::format("eps must be at least 0, not {}", eps));
  const auto momentum = node.attributes.get<double>("momentum");
  if (!(momentum >= 0 && momentum <= 1)) {
    fail(node, fmt::format("momentum must be between 0 and 1, not {}", momentum));
  }
  const auto& mode = node.attributes.get<std::string>("mode");
  if (mode != "model" && mode != "train" && mode != "eval") {
    fail(node, fmt::format("mode must be \"model\", \"train\" or \"eval\", not {}", str(Attribute(mode))));
  }
  return f32(in[0].shape);
}

Type infer_channels(const Node& node, Types in) {
  require_rank_at_least(node, in[0], 2, "the operand");
  return f32({in[0].shape[1]});
}

Type infer_element_count(const Node& node, Types in) {
  require_rank_at_least(node, in[0], 2, "the operand");
  return f32({});
}

OpInfo reduction(Op op, std::string_view name, std::string_view doc) {
  return {.op = op,
          .name = name,
          .kind = OpKind::reduction,
          .min_inputs = 1,
          .max_inputs = 1,
          .doc = doc,
          .infer = infer_channels};
}

}  // namespace

OpInfo batch_norm() {
  return {.op = Op::batch_norm,
          .name = "batch_norm",
          .kind = OpKind::other,
          .min_inputs = 5,
          .max_inputs = 5,
          .attributes = {{"eps", AttributeKind::real, 1e-5},
                         {"momentum", AttributeKind::real, 0.1},
                         {"mode", AttributeKind::string, std::string("model")}},
          .doc =
              "(x - mean) / sqrt(variance + eps) * weight + bias per channel; operands x, weight, bias, "
              "running_mean, running_var",
          .infer = infer_batch_norm};
}

OpInfo channel_mean() { return reduction(Op::channel_mean, "channel_mean", "the mean of each channel"); }
OpInfo channel_variance() {
  return reduction(Op::channel_variance, "channel_variance", "the biased variance of each channel");
}
OpInfo channel_sum() { return reduction(Op::channel_sum, "channel_sum", "the sum of each channel"); }

OpInfo element_count() {
  return {.op = Op::element_count,
          .name = "element_count",
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .doc = "elements per channel: the batch times the space dimensions",
          .infer = infer_element_count};
}

}  // namespace rnc::ops
