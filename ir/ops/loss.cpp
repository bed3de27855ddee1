// Cross entropy of softmax along the second dimension, the classes.
//
// It is PyTorch's: with log p = log_softmax(logits) [N, K, ...] and a label i32[N, ...] for each row of classes, the mean
// over labels of -sum_k q[k] log p[k], where q = (1 - label_smoothing) [k = label] + label_smoothing / K. With `weight`,
// f32[K], the terms of class k are multiplied by weight[k], and the mean is weighted with those of the labels. Labels
// equal to ignore_index count nothing; any other outside 0..K-1 is the caller's mistake: the result is finite and
// meaningless. With a target f32[N, K, ...] of probabilities, these take the place of [k = label], and the mean is of
// rows.
//
// Kernels are for rows [N, K], one label each; pass decompose_losses makes all others of log_softmax.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"
#include "ir/ops/softmax.h"

namespace rnc {

bool is_of_rows(const Graph& graph, const Node& node) {
  return graph[node.inputs[0]].type.rank() == 2 && !is_real(graph[node.inputs[1]].type.dtype) &&
         operand(node, "weight") == kNoValue && node.attributes.get<int64_t>("ignore_index") == kNoLabel;
}

namespace ops {
namespace {

void check_smoothing(const Node& node) {
  const auto smoothing = node.attributes.get<double>("label_smoothing");
  if (!(smoothing >= 0 && smoothing <= 1))
    fail(node, fmt::format("label_smoothing must be between 0 and 1, not {}", smoothing));
}

// Without the classes.
Shape rows_of(const Type& logits) {
  Shape shape = logits.shape;
  shape.erase(shape.begin() + 1);
  return shape;
}

void check_label(const Node& node, const Type& logits, const Type& label) {
  check_smoothing(node);
  if (label.dtype == DType::i32 && label.shape == rows_of(logits)) return;
  const std::string wanted = str(Type{DType::i32, rows_of(logits), {}});
  fail(node,
       fmt::format("the logits {} take labels {}{}, not {}", str(logits), wanted,
                   node.op == Op::cross_entropy ? ", or probabilities of their own type" : "", str(label)));
}

Type infer_cross_entropy(const Node& node, Types in) {
  require_real_at_least(node, in[0], 2, "the logits");
  check_smoothing(node);
  if (in[1].dtype == in[0].dtype && in[1].shape == in[0].shape) {
    if (node.attributes.get<int64_t>("ignore_index") != kNoLabel)
      fail(node, "ignore_index is for labels, not probabilities");
  } else {
    check_label(node, in[0], in[1]);
  }
  if (const Type* weight = optional(node, in, "weight"))
    require_type(node, *weight, like(in[0], {in[0].shape[1]}), "the weight");
  return {};
}

Type infer_cross_entropy_grad(const Node& node, Types in) {
  require_type(node, in[0], {}, "the gradient");
  require_real(node, in[1], 2, "the logits");
  check_label(node, in[1], in[2]);
  return like(in[1], in[1].shape);
}

AttributeSpec label_smoothing() { return {"label_smoothing", AttributeKind::real, 0.0}; }

// Calls visit(row, place) with the place of the first class of each row and the row's number; classes are `step` apart.
template <class Visit>
void each_row(const Shape& shape, const Visit& visit) {
  size_t step = 1;
  for (size_t d = 2; d < shape.size(); ++d) step *= static_cast<size_t>(shape[d]);
  for (size_t n = 0; n < static_cast<size_t>(shape[0]); ++n)
    for (size_t i = 0; i < step; ++i) visit(n * step + i, n * step * static_cast<size_t>(shape[1]) + i, step);
}

// log(sum(exp(x))) of `count` values, shifted by their maximum so that nothing overflows.
double log_sum_exp(const EvalContext& context, const double* x, size_t count, size_t step) {
  double shift = x[0], sum = 0;
  for (size_t k = 0; k < count; ++k) shift = std::max(shift, x[k * step]);
  for (size_t k = 0; k < count; ++k) context.accumulate(sum, std::exp(x[k * step] - shift));
  return shift + std::log(sum);
}

// The probability that class `k` should have, given what the label or target says.
double target(const Node& node, double given, size_t classes) {
  const auto smoothing = node.attributes.get<double>("label_smoothing");
  return given * (1 - smoothing) + smoothing / static_cast<double>(classes);
}

void evaluate_cross_entropy(EvalContext& context) {
  const TensorData& logits = *context.inputs[0];
  const TensorData& label = *context.inputs[1];
  const bool soft = label.shape.size() == logits.shape.size();
  const int place = operand_place(context.node, "weight");
  const auto ignored = static_cast<double>(context.node.attributes.get<int64_t>("ignore_index"));
  const auto classes = static_cast<size_t>(logits.shape[1]);
  const auto weight = [&](size_t k) {
    return place < 0 ? 1.0 : context.inputs[static_cast<size_t>(place)]->values[k];
  };
  double sum = 0, count = 0;
  each_row(logits.shape, [&](size_t row, size_t first, size_t step) {
    const double at = soft ? 0 : label.values[row];
    if (!soft && at == ignored) return;
    const double total = log_sum_exp(context, &logits.values[first], classes, step);
    const bool exists = at >= 0 && at < static_cast<double>(classes);
    count += soft || place < 0 ? 1 : exists ? weight(static_cast<size_t>(at)) : 0;
    for (size_t k = 0; k < classes; ++k) {
      const double given = soft ? label.values[first + k * step] : static_cast<double>(k) == at ? 1 : 0;
      const double q = target(context.node, given, classes) * weight(k);
      context.accumulate(sum, -q * (logits.values[first + k * step] - total));
    }
  });
  context.result.values[0] = sum / count;
}

// (softmax(logits) - q) dloss / N
void evaluate_cross_entropy_grad(EvalContext& context) {
  const TensorData& logits = *context.inputs[1];
  const TensorData& label = *context.inputs[2];
  const auto classes = static_cast<size_t>(logits.shape[1]);
  const double scale = context.inputs[0]->values[0] / static_cast<double>(logits.shape[0]);
  each_row(logits.shape, [&](size_t row, size_t first, size_t) {
    const double total = log_sum_exp(context, &logits.values[first], classes, 1);
    for (size_t k = 0; k < classes; ++k) {
      const double q = target(context.node, static_cast<double>(k) == label.values[row] ? 1 : 0, classes);
      context.result.values[first + k] = (std::exp(logits.values[first + k] - total) - q) * scale;
    }
  });
}

std::vector<ValueId> gradient_cross_entropy(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  if (!is_of_rows(b.graph(), node)) fail(node, "is to be replaced before, as pass decompose_losses does");
  Attributes attributes;
  attributes.set("label_smoothing", node.attributes.get<double>("label_smoothing"));
  return {b.emit(Op::cross_entropy_grad, {dy, node.inputs[0], node.inputs[1]}, std::move(attributes)),
          kNoValue};
}

ValueId emit_sum(GraphBuilder& b, ValueId x, std::vector<int64_t> axes = {}) {
  Attributes attributes;
  attributes.set("keepdims", !axes.empty());
  attributes.set("axes", std::move(axes));
  return b.emit(Op::sum, {x}, std::move(attributes));
}

// [class = label] as numbers, [N, K, ...]: of an ignored label, none is.
ValueId emit_one_hot(GraphBuilder& b, ValueId label, int64_t classes, int64_t ignored) {
  Shape shape = b[label].type.shape, numbers_shape(shape.size() + 1, 1);
  shape.insert(shape.begin() + 1, 1);
  numbers_shape[1] = classes;
  std::vector<double> numbers;
  for (int64_t k = 0; k < classes; ++k) numbers.push_back(k == ignored ? -1e9 : static_cast<double>(k));
  Attributes attributes;
  attributes.set("values", std::move(numbers));
  attributes.set("shape", std::move(numbers_shape));
  const ValueId class_numbers = b.emit(Op::constants, {}, std::move(attributes));
  const ValueId labels = emit_reshape(b, b.emit(Op::cast, {label}), std::move(shape));
  return b.emit(Op::equal, {labels, class_numbers});
}

}  // namespace

// -sum(q log p) / count
ValueId emit_cross_entropy(GraphBuilder& b, const Node& node) {
  const auto smoothing = node.attributes.get<double>("label_smoothing");
  const ValueId logits = node.inputs[0], weight = operand(node, "weight");
  const int64_t classes = b[logits].type.shape[1];
  const bool soft = is_real(b[node.inputs[1]].type.dtype);
  const auto weighted = [&](ValueId v) { return weight == kNoValue ? v : b.emit(Op::mul, {v, weight}); };
  const ValueId given =
      soft ? node.inputs[1]
           : emit_one_hot(b, node.inputs[1], classes, node.attributes.get<int64_t>("ignore_index"));
  ValueId q = weighted(given);
  const ValueId row_weights = q;
  if (smoothing != 0) {
    const ValueId everywhere = b.constant(smoothing / static_cast<double>(classes));
    // Of an ignored label nothing: the sum of what is given is 1 or 0.
    const ValueId counted = soft ? b.emit(Op::expand_as, {b.constant(1), given}) : emit_sum(b, given, {1});
    const ValueId spread = weighted(b.emit(Op::expand_as, {b.emit(Op::mul, {counted, everywhere}), given}));
    q = b.emit(Op::add, {b.emit(Op::mul, {q, b.constant(1 - smoothing)}), spread});
  }
  const ValueId products = b.emit(Op::mul, {q, b.emit(Op::log_softmax, {logits})});
  const ValueId minus = b.constant(-1);
  if (soft)  // the mean of rows
    return b.emit(Op::mul, {b.emit(Op::mean, {emit_sum(b, products, {1})}), minus}, {}, node.name);
  return b.emit(Op::div, {b.emit(Op::mul, {emit_sum(b, products), minus}), emit_sum(b, row_weights)}, {},
                node.name);
}

OpInfo cross_entropy() {
  return {.op = Op::cross_entropy,
          .name = "cross_entropy",
          .kind = OpKind::other,
          .min_inputs = 2,
          .max_inputs = 3,
          .attributes = {label_smoothing(), {"ignore_index", AttributeKind::integer, kNoLabel}},
          .optional = {"weight"},
          .doc = "mean of the cross entropy of softmax(logits) over the classes and labels, or probabilities",
          .infer = infer_cross_entropy,
          .gradient = gradient_cross_entropy,
          .evaluate = evaluate_cross_entropy};
}

OpInfo cross_entropy_grad() {
  return {
      .op = Op::cross_entropy_grad,
      .name = "cross_entropy_grad",
      .kind = OpKind::other,
      .min_inputs = 3,
      .max_inputs = 3,
      .attributes = {label_smoothing()},
      .doc = "gradient of cross_entropy of rows to the logits, from the loss's gradient, logits and label",
      .infer = infer_cross_entropy_grad,
      .evaluate = evaluate_cross_entropy_grad};
}

}  // namespace ops
}  // namespace rnc
