// Pooling over windows of [N, C, H, W], as PyTorch's (ceil_mode = false).
//
// max_pool: padding counts as minus infinity; ties go to the first element in row-major order; NaN wins.
// avg_pool: padding counts as zero elements, which enter the divisor if count_include_pad.
#include <fmt/format.h>

#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Window window_of(const Node& node) {
  const Window window{
      .kernel = pair(node, "kernel", 1), .stride = pair(node, "stride", 1), .pad = pair(node, "pad", 0)};
  for (size_t d = 0; d < 2; ++d) {
    if (2 * window.pad[d] > window.kernel[d]) {
      fail(node, fmt::format("pad must be at most half the kernel: {} against {}", window.pad[d],
                             window.kernel[d]));
    }
  }
  return window;
}

Shape pooled(const Node& node, const Shape& x) {
  const Pair size = output_size(node, window_of(node), {x[2], x[3]});
  return {x[0], x[1], size[0], size[1]};
}

Type infer_pool(const Node& node, Types in) {
  require(node, in[0], DType::f32, 4, "the input");
  return f32(pooled(node, in[0].shape));
}

Type infer_max_pool_grad(const Node& node, Types in) {
  require(node, in[1], DType::f32, 4, "the input");
  require_shape(node, in[0], pooled(node, in[1].shape), "the gradient");
  return f32(in[1].shape);
}

Shape unpooled(const Node& node, const Type& dy) {
  require(node, dy, DType::f32, 4, "the gradient");
  const Pair size = pair(node, "size", 1);
  return {dy.shape[0], dy.shape[1], size[0], size[1]};
}

Type infer_avg_pool_grad(const Node& node, Types in) {
  const Shape x = unpooled(node, in[0]);
  require_shape(node, in[0], pooled(node, x), "the gradient");
  return f32(x);
}

Type infer_global_avg_pool(const Node& node, Types in) {
  require(node, in[0], DType::f32, 4, "the input");
  return f32({in[0].shape[0], in[0].shape[1], 1, 1});
}

Type infer_global_avg_pool_grad(const Node& node, Types in) {
  const Shape x = unpooled(node, in[0]);
  require_shape(node, in[0], {x[0], x[1], 1, 1}, "the gradient");
  return f32(x);
}

const AttributeSpec kSize{"size", AttributeKind::pair, {}};

std::vector<AttributeSpec> window_attributes() {
  return {{"kernel", AttributeKind::pair, {}},
          {"stride", AttributeKind::pair, {}},
          {"pad", AttributeKind::pair, std::vector<int64_t>{0, 0}}};
}

OpInfo pool(Op op, std::string_view name, int inputs, std::vector<AttributeSpec> attributes,
            std::string_view doc) {
  return {.op = op,
          .name = name,
          .kind = OpKind::window,
          .min_inputs = inputs,
          .max_inputs = inputs,
          .attributes = std::move(attributes),
          .doc = doc,
          .infer = infer_pool};
}

}  // namespace

OpInfo max_pool() {
  return pool(Op::max_pool, "max_pool", 1, window_attributes(), "the largest element of each window");
}

OpInfo max_pool_grad() {
  OpInfo row = pool(Op::max_pool_grad, "max_pool_grad", 2, window_attributes(),
                    "gradient of max_pool to its input x, from dy and x");
  row.infer = infer_max_pool_grad;
  return row;
}

OpInfo avg_pool() {
  std::vector<AttributeSpec> attributes = window_attributes();
  attributes.push_back({"count_include_pad", AttributeKind::boolean, true});
  return pool(Op::avg_pool, "avg_pool", 1, std::move(attributes), "the mean of each window");
}

OpInfo avg_pool_grad() {
  std::vector<AttributeSpec> attributes = window_attributes();
  attributes.push_back({"count_include_pad", AttributeKind::boolean, true});
  attributes.push_back(kSize);
  OpInfo row = pool(Op::avg_pool_grad, "avg_pool_grad", 1, std::move(attributes),
                    "gradient of avg_pool to its input of height and width `size`, from dy");
  row.infer = infer_avg_pool_grad;
  return row;
}

OpInfo global_avg_pool() {
  OpInfo row = pool(Op::global_avg_pool, "global_avg_pool", 1, {}, "the mean of each channel of each sample");
  row.infer = infer_global_avg_pool;
  return row;
}

OpInfo global_avg_pool_grad() {
  OpInfo row = pool(Op::global_avg_pool_grad, "global_avg_pool_grad", 1, {kSize},
                    "gradient of global_avg_pool to its input of height and width `size`, from dy");
  row.infer = infer_global_avg_pool_grad;
  return row;
}

}  // namespace rnc::ops
