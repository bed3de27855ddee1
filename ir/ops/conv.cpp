// Two-dimensional convolution (cross-correlation, as PyTorch's conv2d) and its two gradients.
//
//   y[n, o, i, j] = bias[o] + sum over c, p, q of
//                   x[n, g C/groups + c, i stride - pad + p dilation, j stride - pad + q dilation] w[o, c, p,
//                   q]
// with x zero outside its bounds, and g = o / (O / groups) the group of output channel o.
#include <fmt/format.h>

#include "ir/interpreter.h"
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

// Calls visit(y, x, w) with the positions of every product y[...] += x[...] w[...] of the convolution.
template <class Visit>
void each_product(const Node& node, const Shape& y, const Shape& x, const Shape& w, const Visit& visit) {
  const Window window = window_of(node, {w[2], w[3]});
  const int64_t outputs_per_group = w[0] / groups_of(node);
  for (int64_t n = 0; n < y[0]; ++n)
    for (int64_t o = 0; o < y[1]; ++o)
      for (int64_t i = 0; i < y[2]; ++i)
        for (int64_t j = 0; j < y[3]; ++j)
          for (int64_t c = 0; c < w[1]; ++c)
            for (int64_t p = 0; p < w[2]; ++p)
              for (int64_t q = 0; q < w[3]; ++q) {
                const int64_t channel = o / outputs_per_group * w[1] + c;
                const int64_t row = i * window.stride[0] - window.pad[0] + p * window.dilation[0];
                const int64_t column = j * window.stride[1] - window.pad[1] + q * window.dilation[1];
                if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) continue;
                visit(static_cast<size_t>(((n * y[1] + o) * y[2] + i) * y[3] + j),
                      static_cast<size_t>(((n * x[1] + channel) * x[2] + row) * x[3] + column),
                      static_cast<size_t>(((o * w[1] + c) * w[2] + p) * w[3] + q));
              }
}

void evaluate_conv2d(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  const TensorData& w = *context.inputs[1];
  TensorData& y = context.result;
  if (context.inputs.size() > 2) {
    const auto map = static_cast<size_t>(y.shape[2] * y.shape[3]);
    const std::vector<double>& bias = context.inputs[2]->values;
    for (size_t i = 0; i < y.values.size(); ++i) y.values[i] = bias[i / map % bias.size()];
  }
  each_product(context.node, y.shape, x.shape, w.shape, [&](size_t to, size_t from, size_t weight) {
    y.values[to] += x.values[from] * w.values[weight];
  });
}

void evaluate_input_grad(EvalContext& context) {
  const TensorData& dy = *context.inputs[0];
  const TensorData& w = *context.inputs[1];
  TensorData& dx = context.result;
  each_product(context.node, dy.shape, dx.shape, w.shape, [&](size_t to, size_t from, size_t weight) {
    dx.values[from] += dy.values[to] * w.values[weight];
  });
}

void evaluate_weight_grad(EvalContext& context) {
  const TensorData& dy = *context.inputs[0];
  const TensorData& x = *context.inputs[1];
  TensorData& dw = context.result;
  each_product(context.node, dy.shape, x.shape, dw.shape, [&](size_t to, size_t from, size_t weight) {
    dw.values[weight] += dy.values[to] * x.values[from];
  });
}

std::vector<ValueId> gradient_conv2d(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  const ValueId x = node.inputs[0];
  const ValueId w = node.inputs[1];
  const Shape& xs = b[x].type.shape;
  const Shape& ws = b[w].type.shape;
  Attributes input_attributes = node.attributes;
  input_attributes.set("size", std::vector<int64_t>{xs[2], xs[3]});
  Attributes weight_attributes = node.attributes;
  weight_attributes.set("kernel", std::vector<int64_t>{ws[2], ws[3]});
  std::vector<ValueId> gradients = {b.emit(Op::conv2d_input_grad, {dy, w}, std::move(input_attributes)),
                                    b.emit(Op::conv2d_weight_grad, {dy, x}, std::move(weight_attributes))};
  if (node.inputs.size() > 2) gradients.push_back(b.emit(Op::channel_sum, {dy}));
  return gradients;
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
          .infer = infer_conv2d,
          .gradient = gradient_conv2d,
          .evaluate = evaluate_conv2d};
}

OpInfo conv2d_input_grad() {
  return {.op = Op::conv2d_input_grad,
          .name = "conv2d_input_grad",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = attributes(AttributeSpec{"size", AttributeKind::pair, {}}),
          .doc = "gradient of conv2d to its input of height and width `size`, from dy and w",
          .infer = infer_input_grad,
          .evaluate = evaluate_input_grad};
}

OpInfo conv2d_weight_grad() {
  return {.op = Op::conv2d_weight_grad,
          .name = "conv2d_weight_grad",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = attributes(AttributeSpec{"kernel", AttributeKind::pair, {}}),
          .doc = "gradient of conv2d to its weight of height and width `kernel`, from dy and x",
          .infer = infer_weight_grad,
          .evaluate = evaluate_weight_grad};
}

}  // namespace rnc::ops
