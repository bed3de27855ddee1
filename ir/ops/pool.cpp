// Pooling over windows of [N, C, H, W], as PyTorch's.
//
// max_pool: padding counts as minus infinity; ties go to the first element in row-major order; NaN wins.
// max_pool_select: of another map, the elements where the maxima are.
// avg_pool: padding counts as zero elements, which enter the divisor if count_include_pad.
#include <fmt/format.h>

#include <cmath>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Window window_of(const Node& node) {
  const Sides pad = sides(node, "pad");
  const Window window{.kernel = pair(node, "kernel", 1),
                      .stride = pair(node, "stride", 1),
                      .pad = pad.before,
                      .pad_after = pad.after};
  for (size_t d = 0; d < 2; ++d) {
    const int64_t most = std::max(window.pad[d], window.pad_after[d]);
    if (2 * most > window.kernel[d])
      fail(node, fmt::format("pad must be at most half the kernel: {} against {}", most, window.kernel[d]));
  }
  return window;
}

Shape pooled(const Node& node, const Shape& x) {
  const Window window = window_of(node);
  Pair size = output_size(node, window, {x[2], x[3]});
  const bool rounds_up = node.attributes.get<bool>("ceil_mode");
  for (size_t d = 0; d < 2 && rounds_up;
       ++d) {  // one more, if it begins inside the input or the padding before it
    const int64_t begin = size[d] * window.stride[d];
    const int64_t padded = x[d + 2] + window.pad[d] + window.pad_after[d];
    const bool left = begin + window.kernel[d] < padded + window.stride[d];
    if (left && begin < x[d + 2] + window.pad[d]) ++size[d];
  }
  return {x[0], x[1], size[0], size[1]};
}

Type infer_pool(const Node& node, Types in) {
  require_real(node, in[0], 4, "the input");
  return like(in[0], pooled(node, in[0].shape));
}

Type infer_max_pool_select(const Node& node, Types in) {
  require_real(node, in[1], 4, "the input");
  require_type(node, in[0], in[1], "the map to select from");
  return like(in[1], pooled(node, in[1].shape));
}

Type infer_max_pool_grad(const Node& node, Types in) {
  require_real(node, in[1], 4, "the input");
  require_type(node, in[0], like(in[1], pooled(node, in[1].shape)), "the gradient");
  return like(in[1], in[1].shape);
}

Shape unpooled(const Node& node, const Type& dy) {
  require_real(node, dy, 4, "the gradient");
  const Pair size = pair(node, "size", 1);
  return {dy.shape[0], dy.shape[1], size[0], size[1]};
}

Type infer_avg_pool_grad(const Node& node, Types in) {
  const Shape x = unpooled(node, in[0]);
  require_type(node, in[0], like(in[0], pooled(node, x)), "the gradient");
  return like(in[0], x);
}

Type infer_global_avg_pool(const Node& node, Types in) {
  require_real(node, in[0], 4, "the input");
  return like(in[0], {in[0].shape[0], in[0].shape[1], 1, 1});
}

Type infer_global_avg_pool_grad(const Node& node, Types in) {
  const Shape x = unpooled(node, in[0]);
  require_type(node, in[0], like(in[0], {x[0], x[1], 1, 1}), "the gradient");
  return like(in[0], x);
}

// Elements of a window from `begin` on, inside the input of `size` and its padding: of a last one that ends outside
// (ceil_mode), fewer than the kernel's.
int64_t with_padding(const Window& window, size_t d, int64_t begin, int64_t size) {
  return std::min(begin + window.kernel[d], size + window.pad_after[d]) - begin;
}

// Calls visit(y, xs, count) for every position y of the result, with the positions of its window's elements of x, in
// row-major order, and how many they are with those of the padding.
template <class Visit>
void each_window(const Node& node, const Shape& y, const Shape& x, const Visit& visit) {
  const Window window = window_of(node);
  std::vector<size_t> xs;
  for (int64_t nc = 0; nc < y[0] * y[1]; ++nc)
    for (int64_t i = 0; i < y[2]; ++i)
      for (int64_t j = 0; j < y[3]; ++j) {
        xs.clear();
        for (int64_t p = 0; p < window.kernel[0]; ++p)
          for (int64_t q = 0; q < window.kernel[1]; ++q) {
            const int64_t row = i * window.stride[0] - window.pad[0] + p;
            const int64_t column = j * window.stride[1] - window.pad[1] + q;
            if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) continue;
            xs.push_back(static_cast<size_t>((nc * x[2] + row) * x[3] + column));
          }
        const int64_t count = with_padding(window, 0, i * window.stride[0] - window.pad[0], x[2]) *
                              with_padding(window, 1, j * window.stride[1] - window.pad[1], x[3]);
        visit(static_cast<size_t>((nc * y[2] + i) * y[3] + j), xs, count);
      }
}

// Which of the positions holds the maximum of x.
size_t largest(const TensorData& x, const std::vector<size_t>& positions) {
  size_t best = positions[0];
  for (const size_t i : positions) {
    if (x.values[i] > x.values[best] || std::isnan(x.values[i])) best = i;
  }
  return best;
}

void evaluate_max_pool(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  TensorData& y = context.result;
  each_window(context.node, y.shape, x.shape, [&](size_t to, const std::vector<size_t>& from, int64_t) {
    y.values[to] = x.values[largest(x, from)];
  });
}

void evaluate_max_pool_select(EvalContext& context) {
  const TensorData& from = *context.inputs[0];
  const TensorData& x = *context.inputs[1];
  TensorData& y = context.result;
  each_window(context.node, y.shape, x.shape, [&](size_t to, const std::vector<size_t>& window, int64_t) {
    y.values[to] = from.values[largest(x, window)];
  });
}

void evaluate_max_pool_grad(EvalContext& context) {
  const TensorData& dy = *context.inputs[0];
  const TensorData& x = *context.inputs[1];
  each_window(context.node, dy.shape, x.shape, [&](size_t to, const std::vector<size_t>& from, int64_t) {
    context.accumulate(context.result.values[largest(x, from)], dy.values[to]);
  });
}

double divisor(const Node& node, size_t elements, int64_t with_pad) {
  return static_cast<double>(node.attributes.get<bool>("count_include_pad") ? static_cast<size_t>(with_pad)
                                                                            : elements);
}

void evaluate_avg_pool(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  TensorData& y = context.result;
  each_window(context.node, y.shape, x.shape, [&](size_t to, const std::vector<size_t>& from, int64_t count) {
    for (const size_t i : from) {
      context.accumulate(y.values[to], x.values[i] / divisor(context.node, from.size(), count));
    }
  });
}

void evaluate_avg_pool_grad(EvalContext& context) {
  const TensorData& dy = *context.inputs[0];
  TensorData& dx = context.result;
  each_window(context.node, dy.shape, dx.shape,
              [&](size_t to, const std::vector<size_t>& from, int64_t count) {
                for (const size_t i : from) {
                  context.accumulate(dx.values[i], dy.values[to] / divisor(context.node, from.size(), count));
                }
              });
}

void evaluate_global_avg_pool(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  const auto map = static_cast<size_t>(x.shape[2] * x.shape[3]);
  for (size_t i = 0; i < x.values.size(); ++i) {
    context.accumulate(context.result.values[i / map], x.values[i] / static_cast<double>(map));
  }
}

void evaluate_global_avg_pool_grad(EvalContext& context) {
  TensorData& dx = context.result;
  const auto map = static_cast<size_t>(dx.shape[2] * dx.shape[3]);
  for (size_t i = 0; i < dx.values.size(); ++i) {
    dx.values[i] = context.inputs[0]->values[i / map] / static_cast<double>(map);
  }
}

Attributes with_size(Attributes attributes, const Shape& x) {
  attributes.set("size", std::vector<int64_t>{x[2], x[3]});
  return attributes;
}

std::vector<ValueId> gradient_max_pool(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  return {b.emit(Op::max_pool_grad, {dy, node.inputs[0]}, node.attributes)};
}

std::vector<ValueId> gradient_avg_pool(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  return {b.emit(Op::avg_pool_grad, {dy}, with_size(node.attributes, b[node.inputs[0]].type.shape))};
}

std::vector<ValueId> gradient_global_avg_pool(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  return {b.emit(Op::global_avg_pool_grad, {dy}, with_size({}, b[node.inputs[0]].type.shape))};
}

AttributeSpec size_attribute() { return {"size", AttributeKind::pair, {}}; }
AttributeSpec count_include_pad() { return {"count_include_pad", AttributeKind::boolean, true}; }

// ceil_mode: a last window may end outside.
std::vector<AttributeSpec> window_attributes() {
  return {{"kernel", AttributeKind::pair, {}},
          {.name = "stride", .kind = AttributeKind::pair, .in_specs_as = "kernel"},
          {"pad", AttributeKind::sides, std::vector<int64_t>{0, 0, 0, 0}},
          {"ceil_mode", AttributeKind::boolean, false}};
}

OpInfo pool(Op op, std::string_view name, int inputs, std::string_view doc) {
  return {
      .op = op, .name = name, .kind = OpKind::window, .min_inputs = inputs, .max_inputs = inputs, .doc = doc};
}

}  // namespace

OpInfo max_pool() {
  OpInfo row = pool(Op::max_pool, "max_pool", 1, "the largest element of each window");
  row.attributes = window_attributes();
  row.infer = infer_pool;
  row.gradient = gradient_max_pool;
  row.evaluate = evaluate_max_pool;
  return row;
}

OpInfo max_pool_select() {
  OpInfo row = pool(Op::max_pool_select, "max_pool_select", 2,
                    "the elements of its first operand where each window of the second has its largest");
  row.attributes = window_attributes();
  row.infer = infer_max_pool_select;
  row.evaluate = evaluate_max_pool_select;
  return row;
}

OpInfo max_pool_grad() {
  OpInfo row =
      pool(Op::max_pool_grad, "max_pool_grad", 2, "gradient of max_pool to its input, from dy and x");
  row.attributes = window_attributes();
  row.infer = infer_max_pool_grad;
  row.evaluate = evaluate_max_pool_grad;
  return row;
}

OpInfo avg_pool() {
  OpInfo row = pool(Op::avg_pool, "avg_pool", 1, "the mean of each window");
  row.attributes = window_attributes();
  row.attributes.push_back(count_include_pad());
  row.infer = infer_pool;
  row.gradient = gradient_avg_pool;
  row.evaluate = evaluate_avg_pool;
  return row;
}

OpInfo avg_pool_grad() {
  OpInfo row = pool(Op::avg_pool_grad, "avg_pool_grad", 1,
                    "gradient of avg_pool to its input of height and width `size`, from dy");
  row.attributes = window_attributes();
  row.attributes.push_back(count_include_pad());
  row.attributes.push_back(size_attribute());
  row.infer = infer_avg_pool_grad;
  row.evaluate = evaluate_avg_pool_grad;
  return row;
}

OpInfo global_avg_pool() {
  OpInfo row = pool(Op::global_avg_pool, "global_avg_pool", 1, "the mean of each channel of each sample");
  row.infer = infer_global_avg_pool;
  row.gradient = gradient_global_avg_pool;
  row.evaluate = evaluate_global_avg_pool;
  return row;
}

OpInfo global_avg_pool_grad() {
  OpInfo row = pool(Op::global_avg_pool_grad, "global_avg_pool_grad", 1,
                    "gradient of global_avg_pool to its input of height and width `size`, from dy");
  row.attributes = {size_attribute()};
  row.infer = infer_global_avg_pool_grad;
  row.evaluate = evaluate_global_avg_pool_grad;
  return row;
}

}  // namespace rnc::ops
