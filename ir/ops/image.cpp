// From raw pixels to what the network takes.
//
// resize of u8 gives exactly what Pillow's Image.resize(BILINEAR) gives: two passes, horizontal first, with
// fixed-point coefficients, a support that widens when shrinking, and rounding to u8 after each pass.
// resize of f32 is PyTorch's interpolate(mode = "bilinear", align_corners = False, antialias = False).
#include <fmt/format.h>

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
  return f32(in[0].shape);
}

Type infer_resize(const Node& node, Types in) {
  const Type& x = in[0];
  if ((x.dtype != DType::u8 && x.dtype != DType::f32) || x.rank() != 4) {
    fail(node, fmt::format("the image must be u8 or f32 of rank 4, not {}", str(x)));
  }
  const Pair size = pair(node, "size", 1);
  return {x.dtype, {x.shape[0], x.shape[1], size[0], size[1]}, {}};
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
          .infer = infer_normalize};
}

OpInfo resize() {
  return {.op = Op::resize,
          .name = "resize",
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .attributes = {{"size", AttributeKind::pair, {}}},
          .doc = "bilinear interpolation to height and width `size`",
          .infer = infer_resize};
}

}  // namespace rnc::ops
