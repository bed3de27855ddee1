// From raw pixels to what the network takes.
#include <fmt/format.h>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Type infer_normalize(const Node& node, Types in) {
  require(node, in[0], DType::u8, 4, "the image");
  for (const std::string_view attribute : {"mean", "std"}) {
    const auto& values = node.attributes.get<std::vector<double>>(attribute);
    if (static_cast<int64_t>(values.size()) != in[0].shape[1]) {
      fail(node, fmt::format("{} has {} values but the image {} has {} channels", attribute, values.size(),
                             str(in[0]), in[0].shape[1]));
    }
  }
  for (const double std : node.attributes.get<std::vector<double>>("std")) {
    if (!(std > 0)) fail(node, fmt::format("std must be greater than 0, not {}", std));
  }
  return {contract::kDefaultReal, in[0].shape, {}};
}

void evaluate_normalize(EvalContext& context) {
  const TensorData& image = *context.inputs[0];
  const auto& mean = context.node.attributes.get<std::vector<double>>("mean");
  const auto& std = context.node.attributes.get<std::vector<double>>("std");
  const auto map = static_cast<size_t>(image.shape[2] * image.shape[3]);
  for (size_t i = 0; i < image.values.size(); ++i) {
    const size_t c = i / map % mean.size();
    context.result.values[i] = (image.values[i] / 255 - mean[c]) / std[c];
  }
}

}  // namespace

OpInfo normalize() {
  return {.op = Op::normalize,
          .name = "normalize",
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .attributes = {{"mean", AttributeKind::reals, {}}, {"std", AttributeKind::reals, {}}},
          .doc = "(image / 255 - mean) / std, with one mean and std per channel",
          .infer = infer_normalize,
          .evaluate = evaluate_normalize};
}

}  // namespace rnc::ops
