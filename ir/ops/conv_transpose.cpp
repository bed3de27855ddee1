// The transposed convolution of PyTorch's conv_transpose2d: the gradient that a convolution with this weight would give
// to its input. Pass decompose_conv_transpose makes it that.
#include <fmt/format.h>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

int64_t group_count(const Node& node) { return node.attributes.get<int64_t>("groups"); }

// The height and width of the result.
Pair result_size(const Node& node, const Shape& x, const Shape& w) {
  const Pair stride = pair(node, "stride", 1), pad = pair(node, "pad", 0),
             dilation = pair(node, "dilation", 1), extra = pair(node, "output_pad", 0);
  Pair size;
  for (size_t d = 0; d < 2; ++d) {
    if (extra[d] >= stride[d] && extra[d] >= dilation[d])
      fail(node, fmt::format("output_pad must be less than the stride or the dilation, not {}", extra[d]));
    size[d] = (x[d + 2] - 1) * stride[d] - 2 * pad[d] + dilation[d] * (w[d + 2] - 1) + extra[d] + 1;
    if (size[d] < 1) fail(node, fmt::format("the result would have {} rows or columns", size[d]));
  }
  return size;
}

Type infer_conv_transpose(const Node& node, Types in) {
  require_real(node, in[0], 4, "the input");
  require_real(node, in[1], 4, "the weight");
  const Shape &x = in[0].shape, &w = in[1].shape;
  const int64_t groups = group_count(node);
  if (groups < 1) fail(node, fmt::format("groups must be at least 1, not {}", groups));
  if (x[1] % groups != 0)
    fail(node, fmt::format("the {} input channels are not divisible into {} groups", x[1], groups));
  if (x[1] != w[0])
    fail(node, fmt::format("the input {} has {} channels but the weight {} takes {}", str(in[0]), x[1],
                           str(in[1]), w[0]));
  const int64_t outputs = w[1] * groups;
  if (const Type* bias = optional(node, in, "bias"))
    require_type(node, *bias, like(in[0], {outputs}), "the bias");
  const Pair size = result_size(node, x, w);
  return like(in[0], {x[0], outputs, size[0], size[1]});
}

void evaluate_conv_transpose(EvalContext& context) {
  const TensorData &x = *context.inputs[0], &w = *context.inputs[1];
  TensorData& y = context.result;
  const auto at = [](const Shape& shape, int64_t n, int64_t c, int64_t i, int64_t j) {
    return static_cast<size_t>(((n * shape[1] + c) * shape[2] + i) * shape[3] + j);
  };
  if (context.inputs.size() > 2) {
    const auto map = static_cast<size_t>(y.shape[2] * y.shape[3]);
    for (size_t i = 0; i < y.values.size(); ++i)
      y.values[i] = context.inputs[2]->values[i / map % context.inputs[2]->values.size()];
  }
  const Pair stride = pair(context.node, "stride", 1), pad = pair(context.node, "pad", 0),
             dilation = pair(context.node, "dilation", 1);
  const int64_t per_group = x.shape[1] / group_count(context.node);
  for (int64_t n = 0; n < x.shape[0]; ++n)
    for (int64_t c = 0; c < x.shape[1]; ++c)
      for (int64_t i = 0; i < x.shape[2]; ++i)
        for (int64_t j = 0; j < x.shape[3]; ++j)
          for (int64_t o = 0; o < w.shape[1]; ++o)
            for (int64_t p = 0; p < w.shape[2]; ++p)
              for (int64_t q = 0; q < w.shape[3]; ++q) {
                const int64_t row = i * stride[0] - pad[0] + p * dilation[0],
                              column = j * stride[1] - pad[1] + q * dilation[1];
                if (row < 0 || row >= y.shape[2] || column < 0 || column >= y.shape[3]) continue;
                const int64_t channel = c / per_group * w.shape[1] + o;
                context.accumulate(y.values[at(y.shape, n, channel, row, column)],
                                   x.values[at(x.shape, n, c, i, j)] * w.values[at(w.shape, c, o, p, q)]);
              }
}

// The attributes of a convolution that this is a gradient of.
Attributes convolution(const Node& node) {
  Attributes attributes;
  for (const char* name : {"stride", "pad", "dilation", "groups"})
    attributes.set(name, node.attributes.all().find(std::string_view(name))->second);
  return attributes;
}

std::vector<ValueId> gradient_conv_transpose(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  const ValueId x = node.inputs[0], w = node.inputs[1];
  const Shape& shape = b[w].type.shape;
  Attributes to_weight = convolution(node);
  to_weight.set("kernel", std::vector<int64_t>{shape[2], shape[3]});
  std::vector<ValueId> gradients = {b.emit(Op::conv2d, {dy, w}, convolution(node)),
                                    b.emit(Op::conv2d_weight_grad, {x, dy}, std::move(to_weight))};
  if (node.inputs.size() > 2) gradients.push_back(b.emit(Op::channel_sum, {dy}));
  return gradients;
}

}  // namespace

ValueId emit_transposed(GraphBuilder& b, const Node& node, ValueId x, ValueId w) {
  Attributes attributes = convolution(node);
  attributes.set("size", std::vector<int64_t>{node.type.shape[2], node.type.shape[3]});
  return b.emit(Op::conv2d_input_grad, {x, w}, std::move(attributes));
}

OpInfo conv_transpose2d() {
  const std::vector<int64_t> ones = {1, 1}, zeros = {0, 0};
  return {.op = Op::conv_transpose2d,
          .name = "conv_transpose2d",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 3,
          .attributes = {{"stride", AttributeKind::pair, ones},
                         {"pad", AttributeKind::pair, zeros},
                         {"output_pad", AttributeKind::pair, zeros},
                         {"dilation", AttributeKind::pair, ones},
                         {"groups", AttributeKind::integer, int64_t{1}}},
          .optional = {"bias"},
          .doc = "transposed convolution of x[N, C, H, W] with w[C, O/groups, KH, KW], plus bias[O]",
          .infer = infer_conv_transpose,
          .gradient = gradient_conv_transpose,
          .evaluate = evaluate_conv_transpose};
}

}  // namespace rnc::ops
