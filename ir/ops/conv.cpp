// Two-dimensional convolution (cross-correlation, as PyTorch's conv2d) and its two gradients.
//
//   y[n, o, i, j] = bias[o] + sum over c, p, q of
//                   x[n, g C/groups + c, i stride - pad + p dilation, j stride - pad + q dilation] w[o, c, p,
//                   q]
// with x zero outside its bounds, and g = o / (O / groups) the group of output channel o.
#include <fmt/format.h>

#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Window window_of(const Node& node, Pair kernel) {
  return {.kernel = kernel,
          .stride = pair(node, "stride", 1),
          .pad = pair(node, "pad", 0),
          .dilation = pair(node, "dilation", 1)};
}

int64_t groups_of(const Node& node) {
  const auto groups = node.attributes.get<int64_t>("groups");
  if (groups < 1) fail(node, fmt::format("groups must be at least 1, not {}", groups));
  return groups;
}

void require_divisible(const Node& node, int64_t channels, std::string_view what) {
  const int64_t groups = groups_of(node);
  if (channels % groups != 0) {
    fail(node, fmt::format("the {} {} channels are not divisible into {} groups", channels, what, groups));
  }
}

// Shape of the result for input x and weight w, or fails.
Shape result_shape(const Node& node, const Shape& x, const Shape& w) {
  require_divisible(node, x[1], "input");
  require_divisible(node, w[0], "output");
  const int64_t groups = groups_of(node);
  if (x[1] / groups != w[1]) {
    fail(node, fmt::format("the input {} has {} channels but the weight {} takes {}", str(f32(x)), x[1],
                           str(f32(w)), w[1] * groups));
  }
  const Pair size = output_size(node, window_of(node, {w[2], w[3]}), {x[2], x[3]});
  return {x[0], w[0], size[0], size[1]};
}

Type infer_conv2d(const Node& node, Types in) {
  require(node, in[0], DType::f32, 4, "the input");
  require(node, in[1], DType::f32, 4, "the weight");
  if (in.size() > 2) require_shape(node, in[2], {in[1].shape[0]}, "the bias");
  return f32(result_shape(node, in[0].shape, in[1].shape));
}

Type infer_input_grad(const Node& node, Types in) {
  require(node, in[0], DType::f32, 4, "the gradient");
  require(node, in[1], DType::f32, 4, "the weight");
  const Pair size = pair(node, "size", 1);
  const Shape x{in[0].shape[0], in[1].shape[1] * groups_of(node), size[0], size[1]};
  require_shape(node, in[0], result_shape(node, x, in[1].shape), "the gradient");
  return f32(x);
}

Type infer_weight_grad(const Node& node, Types in) {
  require(node, in[0], DType::f32, 4, "the gradient");
  require(node, in[1], DType::f32, 4, "the input");
  const Pair kernel = pair(node, "kernel", 1);
  require_divisible(node, in[1].shape[1], "input");
  const Shape w{in[0].shape[1], in[1].shape[1] / groups_of(node), kernel[0], kernel[1]};
  require_shape(node, in[0], result_shape(node, in[1].shape, w), "the gradient");
  return f32(w);
}

std::vector<AttributeSpec> attributes(std::optional<AttributeSpec> extra = {}) {
  std::vector<AttributeSpec> specs = {
      {"stride", AttributeKind::pair, std::vector<int64_t>{1, 1}},
      {"pad", AttributeKind::pair, std::vector<int64_t>{0, 0}},
      {"dilation", AttributeKind::pair, std::vector<int64_t>{1, 1}},
      {"groups", AttributeKind::integer, int64_t{1}},
  };
  if (extra) specs.push_back(*extra);
  return specs;
}

}  // namespace

OpInfo conv2d() {
  return {.op = Op::conv2d,
          .name = "conv2d",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 3,
          .attributes = attributes(),
          .doc = "convolution of x[N, C, H, W] with w[O, C/groups, KH, KW], plus bias[O] if given",
          .infer = infer_conv2d};
}

OpInfo conv2d_input_grad() {
  return {.op = Op::conv2d_input_grad,
          .name = "conv2d_input_grad",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = attributes(AttributeSpec{"size", AttributeKind::pair, {}}),
          .doc = "gradient of conv2d to its input of height and width `size`, from dy and w",
          .infer = infer_input_grad};
}

OpInfo conv2d_weight_grad() {
  return {.op = Op::conv2d_weight_grad,
          .name = "conv2d_weight_grad",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = attributes(AttributeSpec{"kernel", AttributeKind::pair, {}}),
          .doc = "gradient of conv2d to its weight of height and width `kernel`, from dy and x",
          .infer = infer_weight_grad};
}

}  // namespace rnc::ops
