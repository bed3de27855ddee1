// Two-dimensional convolution (cross-correlation, as PyTorch's conv2d) and its two gradients.
//
//   y[n, o, i, j] = bias[o] + sum over c, p, q of
//                   x[n, g C/groups + c, i stride - pad + p dilation, j stride - pad + q dilation] w[o, c, p, q]
//
// with x zero outside its bounds, and g = o / (O / groups) the group of output channel o.
//
// Operand `transformed` is the weight as winograd_weight made it, `packed` as grouped_weight did, which a kernel may use
// instead.
//
// `algorithm` says how it is computed (ir/ops/conv_algorithm.h); where the weight is transformed beforehand, a batch of
// fewer than `from_batch` images is summed directly.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ir/graph/interpreter.h"
#include "ir/ops/conv_algorithm.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Window window_of(const Node& node, Pair kernel) {
  const Sides pad = sides(node, "pad");
  return {.kernel = kernel,
          .stride = pair(node, "stride", 1),
          .pad = pad.before,
          .dilation = pair(node, "dilation", 1),
          .pad_after = pad.after};
}

int64_t groups_of(const Node& node) {
  const auto groups = node.attributes.get<int64_t>("groups");
  if (groups < 1) fail(node, fmt::format("groups must be at least 1, not {}", groups));
  return groups;
}

// Fails where the algorithm asked for cannot compute the convolution of an input of so many channels.
void require_algorithm(const Node& node, const Window& window, int64_t channels) {
  const auto& asked = node.attributes.get<std::string>("algorithm");
  const auto algorithm = find_conv_algorithm(asked);
  if (!algorithm)
    fail(node,
         fmt::format("the algorithm must be one of {}, not '{}'", fmt::join(kConvAlgorithms, ", "), asked));
  const auto from_batch = node.attributes.get<int64_t>("from_batch");
  if (from_batch < 1) fail(node, fmt::format("from_batch must be at least 1, not {}", from_batch));
  const bool fits = winograd_computes(window, groups_of(node), channels);
  if (tile_of(*algorithm) > 0 && !fits)
    fail(node, fmt::format("{} cannot compute it: it takes {}", asked, kWinogradTakes));
}

void require_divisible(const Node& node, int64_t channels, std::string_view what) {
  const int64_t groups = groups_of(node);
  if (channels % groups != 0) {
    fail(node, fmt::format("the {} {} channels are not divisible into {} groups", channels, what, groups));
  }
}

// The type of the result, or fails.
Type result_type(const Node& node, const Type& input, const Type& weight) {
  const Shape &x = input.shape, &w = weight.shape;
  if (input.dtype != weight.dtype)
    fail(node, fmt::format("the types of {} and {} do not match", str(input), str(weight)));
  require_divisible(node, x[1], "input");
  require_divisible(node, w[0], "output");
  const int64_t groups = groups_of(node);
  if (x[1] / groups != w[1]) {
    fail(node, fmt::format("the input {} has {} channels but the weight {} takes {}", str(like(input, x)),
                           x[1], str(like(weight, w)), w[1] * groups));
  }
  const Window window = window_of(node, {w[2], w[3]});
  const Pair size = output_size(node, window, {x[2], x[3]});
  require_algorithm(node, window, x[1]);
  return like(input, {x[0], w[0], size[0], size[1]});
}

Type infer_conv2d(const Node& node, Types in) {
  require_real(node, in[0], 4, "the input");
  require_real(node, in[1], 4, "the weight");
  if (const Type* transformed = optional(node, in, "transformed")) {
    const Shape& w = in[1].shape;
    require_real(node, *transformed, 4, "the transformed weight");
    const Shape& u = transformed->shape;
    require_type(node, in[1], like(in[1], {w[0], w[1], 3, 3}), "the weight");
    const int64_t size = std::clamp<int64_t>(u[2], 4, 6);
    require_type(node, *transformed, like(in[1], {w[0], w[1], size, size}), "the transformed weight");
    const std::string_view needed = name(winograd_of(static_cast<int>(size) - 2));
    if (node.attributes.get<std::string>("algorithm") != needed)
      fail(node, fmt::format("a weight transformed to {0}x{0} is for algorithm = \"{1}\"", size, needed));
  }
  if (const Type* packed = optional(node, in, "packed")) {
    require_real(node, *packed, 5, "the packed weight");
    const Shape &w = in[1].shape, &p = packed->shape;
    const Shape expected = {(w[0] + p[4] - 1) / p[4], p[1], w[2] * w[3], p[3], p[4]};
    require_type(node, *packed, like(in[1], expected), "the packed weight");
  }
  if (const Type* bias = optional(node, in, "bias"))
    require_type(node, *bias, like(in[0], {in[1].shape[0]}), "the bias");
  return result_type(node, in[0], in[1]);
}

Type infer_input_grad(const Node& node, Types in) {
  require_real(node, in[0], 4, "the gradient");
  require_real(node, in[1], 4, "the weight");
  const Pair size = pair(node, "size", 1);
  const Type x = like(in[0], {in[0].shape[0], in[1].shape[1] * groups_of(node), size[0], size[1]});
  require_type(node, in[0], result_type(node, x, in[1]), "the gradient");
  return x;
}

Type infer_weight_grad(const Node& node, Types in) {
  require_real(node, in[0], 4, "the gradient");
  require_real(node, in[1], 4, "the input");
  const Pair kernel = pair(node, "kernel", 1);
  require_divisible(node, in[1].shape[1], "input");
  const Type w = like(in[1], {in[0].shape[1], in[1].shape[1] / groups_of(node), kernel[0], kernel[1]});
  require_type(node, in[0], result_type(node, in[1], w), "the gradient");
  return w;
}

std::vector<AttributeSpec> attributes(std::optional<AttributeSpec> extra = {}) {
  std::vector<AttributeSpec> specs = {
      {"stride", AttributeKind::pair, std::vector<int64_t>{1, 1}},
      {"pad", AttributeKind::sides, std::vector<int64_t>{0, 0, 0, 0}},
      {"dilation", AttributeKind::pair, std::vector<int64_t>{1, 1}},
      {"groups", AttributeKind::integer, int64_t{1}},
      {"algorithm", AttributeKind::string, std::string("auto"), true},
      {"from_batch", AttributeKind::integer, int64_t{1}, true},
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
  if (const int place = operand_place(context.node, "bias"); place >= 0) {
    const auto map = static_cast<size_t>(y.shape[2] * y.shape[3]);
    const std::vector<double>& bias = context.inputs[static_cast<size_t>(place)]->values;
    for (size_t i = 0; i < y.values.size(); ++i) y.values[i] = bias[i / map % bias.size()];
  }
  each_product(context.node, y.shape, x.shape, w.shape, [&](size_t to, size_t from, size_t weight) {
    context.accumulate(y.values[to], x.values[from] * w.values[weight]);
  });
}

void evaluate_input_grad(EvalContext& context) {
  const TensorData& dy = *context.inputs[0];
  const TensorData& w = *context.inputs[1];
  TensorData& dx = context.result;
  each_product(context.node, dy.shape, dx.shape, w.shape, [&](size_t to, size_t from, size_t weight) {
    context.accumulate(dx.values[from], dy.values[to] * w.values[weight]);
  });
}

void evaluate_weight_grad(EvalContext& context) {
  const TensorData& dy = *context.inputs[0];
  const TensorData& x = *context.inputs[1];
  TensorData& dw = context.result;
  each_product(context.node, dy.shape, x.shape, dw.shape, [&](size_t to, size_t from, size_t weight) {
    context.accumulate(dw.values[weight], dy.values[to] * x.values[from]);
  });
}

int64_t tile_of(const Node& node) {
  const auto tile = node.attributes.get<int64_t>("tile");
  if (tile < 2 || tile > 4) fail(node, fmt::format("the tile must be 2, 3 or 4, not {}", tile));
  return tile;
}

int64_t stride_of(const Node& node) {
  const auto stride = node.attributes.get<int64_t>("stride");
  if (stride < 1 || stride > 2) fail(node, fmt::format("the stride must be 1 or 2, not {}", stride));
  return stride;
}

Type infer_winograd_weight(const Node& node, Types in) {
  require_real(node, in[0], 4, "the weight");
  const Shape& w = in[0].shape;
  if (has_batch(w)) fail(node, fmt::format("the weight {} must not depend on the batch", str(in[0])));
  require_type(node, in[0], like(in[0], {w[0], w[1], 3, 3}), "the weight");
  stride_of(node);
  const int64_t size = tile_of(node) + 2;
  return like(in[0], {w[0], w[1], size, size});
}

// G of F(tile, r) over `points`: a row [1, p, p^2, ...] / product over the other points q of (p - q) for each
// point p of interpolation, and [0, ..., 0, 1] for infinity. The sign of a row is free; here that of point 0
// is positive.
std::vector<std::array<double, 3>> filter_matrix(const std::vector<double>& points, size_t taps) {
  std::vector<std::array<double, 3>> rows;
  for (const double p : points) {
    double product = 1;
    for (const double q : points) product *= p == q ? 1 : p - q;
    if (p == 0) product = std::abs(product);
    rows.push_back({1 / product, p / product, p * p / product});
  }
  rows.push_back({0, 0, 0});
  rows.back()[taps - 1] = 1;
  return rows;
}

// At stride 1, G of F(tile, 3); at stride 2, that of F(tile, 2) for the outer taps, then a row for the middle tap.
std::vector<std::array<double, 3>> winograd_matrix(int64_t tile, int64_t stride) {
  const bool one = stride == 1;
  if (tile == 2 && one) return filter_matrix({0, 1, -1}, 3);
  if (tile == 3 && one) return filter_matrix({0, 0.75, -0.75, 1.5}, 3);
  if (one) return filter_matrix({0, 0.625, -0.625, 1.5, -1.5}, 3);
  auto rows = filter_matrix(tile == 2   ? std::vector<double>{0, 1}
                            : tile == 3 ? std::vector<double>{0, 1, -1}
                                        : std::vector<double>{0.5, -0.5, 1.25, -1.25},
                            2);
  for (auto& row : rows) row = {row[0], 0, row[1]};
  rows.push_back({0, 1, 0});
  return rows;
}

void evaluate_winograd_weight(EvalContext& context) {
  const std::vector<double>& w = context.inputs[0]->values;
  const auto matrix = winograd_matrix(tile_of(context.node), stride_of(context.node));
  const size_t size = matrix.size();
  for (size_t i = 0; i < context.result.values.size(); ++i) {
    const size_t pair = i / (size * size);
    const auto &row = matrix[i / size % size], &column = matrix[i % size];
    double sum = 0;
    for (size_t p = 0; p < 3; ++p)
      for (size_t q = 0; q < 3; ++q) sum += row[p] * w[(pair * 3 + p) * 3 + q] * column[q];
    context.result.values[i] = sum;
  }
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
  // A weight that has been transformed or packed is the same one.
  gradients.resize(node.inputs.size(), kNoValue);
  if (const int bias = operand_place(node, "bias"); bias >= 0)
    gradients[static_cast<size_t>(bias)] = b.emit(Op::channel_sum, {dy});
  return gradients;
}

}  // namespace

OpInfo conv2d() {
  return {.op = Op::conv2d,
          .name = "conv2d",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 5,
          .attributes = attributes(),
          .optional = {"bias", "transformed", "packed"},
          .doc =
              "convolution of x[N, C, H, W] with w[O, C/groups, KH, KW], plus bias[O]; transformed is "
              "winograd_weight(w), packed is grouped_weight(w)",
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

OpInfo winograd_weight() {
  return {
      .op = Op::winograd_weight,
      .name = "winograd_weight",
      .kind = OpKind::other,
      .min_inputs = 1,
      .max_inputs = 1,
      .attributes = {{"tile", AttributeKind::integer, {}}, {"stride", AttributeKind::integer, int64_t{1}}},
      .doc =
          "w[O, C, 3, 3] transformed for Winograd convolution by F(tile x tile, 3 x 3) at a stride of 1 or "
          "2: "
          "G w G^T, of size tile + 2",
      .infer = infer_winograd_weight,
      .evaluate = evaluate_winograd_weight};
}

}  // namespace rnc::ops
