// Softmax and cross entropy over classes: the second dimension of [N, K].
//
// cross_entropy is PyTorch's: the mean over the batch of -sum_k q[k] log softmax(logits)[k], where
// q = (1 - label_smoothing) [k = label] + label_smoothing / K. A label outside 0..K-1 is the caller's mistake: the
// result is finite and meaningless.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Type infer_softmax(const Node& node, Types in) {
  require_real(node, in[0], 2, "the operand");
  return like(in[0], in[0].shape);
}

Type infer_softmax_grad(const Node& node, Types in) {
  require_real(node, in[0], 2, "the gradient");
  require_type(node, in[1], in[0], "the result of softmax");
  return like(in[0], in[0].shape);
}

void check_cross_entropy(const Node& node, const Type& logits, const Type& label) {
  require_real(node, logits, 2, "the logits");
  require(node, label, DType::i32, 1, "the label");
  if (logits.shape[0] != label.shape[0]) {
    fail(node,
         fmt::format("the logits {} and the label {} differ in their first size", str(logits), str(label)));
  }
  const auto smoothing = node.attributes.get<double>("label_smoothing");
  if (!(smoothing >= 0 && smoothing <= 1)) {
    fail(node, fmt::format("label_smoothing must be between 0 and 1, not {}", smoothing));
  }
}

Type infer_cross_entropy(const Node& node, Types in) {
  check_cross_entropy(node, in[0], in[1]);
  return {};
}

Type infer_cross_entropy_grad(const Node& node, Types in) {
  require_type(node, in[0], {}, "the gradient");
  check_cross_entropy(node, in[1], in[2]);
  return like(in[1], in[1].shape);
}

AttributeSpec label_smoothing() { return {"label_smoothing", AttributeKind::real, 0.0}; }

OpInfo row_op(Op op, std::string_view name, int inputs, std::string_view doc) {
  return {
      .op = op, .name = name, .kind = OpKind::other, .min_inputs = inputs, .max_inputs = inputs, .doc = doc};
}

// Calls visit(row) with the position of the first of each sample's classes.
template <class Visit>
void each_row(const Shape& shape, const Visit& visit) {
  for (int64_t n = 0; n < shape[0]; ++n) visit(static_cast<size_t>(n * shape[1]));
}

// log(sum(exp(x))) of `count` values, shifted by their maximum so that nothing overflows.
double log_sum_exp(const EvalContext& context, const double* x, size_t count) {
  const double shift = *std::max_element(x, x + count);
  double sum = 0;
  for (size_t k = 0; k < count; ++k) context.accumulate(sum, std::exp(x[k] - shift));
  return shift + std::log(sum);
}

void evaluate_softmax(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  const auto classes = static_cast<size_t>(x.shape[1]);
  each_row(x.shape, [&](size_t row) {
    const double total = log_sum_exp(context, &x.values[row], classes);
    for (size_t k = row; k < row + classes; ++k) context.result.values[k] = std::exp(x.values[k] - total);
  });
}

void evaluate_softmax_grad(EvalContext& context) {
  const TensorData& dy = *context.inputs[0];
  const TensorData& y = *context.inputs[1];
  const auto classes = static_cast<size_t>(y.shape[1]);
  each_row(y.shape, [&](size_t row) {
    double along = 0;
    for (size_t k = row; k < row + classes; ++k) context.accumulate(along, dy.values[k] * y.values[k]);
    for (size_t k = row; k < row + classes; ++k)
      context.result.values[k] = y.values[k] * (dy.values[k] - along);
  });
}

// The probability that class `k` should have, given the label.
double target(const Node& node, double k, double label, size_t classes) {
  const auto smoothing = node.attributes.get<double>("label_smoothing");
  return (k == label ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
}

void evaluate_cross_entropy(EvalContext& context) {
  const TensorData& logits = *context.inputs[0];
  const TensorData& label = *context.inputs[1];
  const auto classes = static_cast<size_t>(logits.shape[1]);
  double sum = 0;
  each_row(logits.shape, [&](size_t row) {
    const double total = log_sum_exp(context, &logits.values[row], classes);
    for (size_t k = 0; k < classes; ++k) {
      const double q = target(context.node, static_cast<double>(k), label.values[row / classes], classes);
      context.accumulate(sum, -q * (logits.values[row + k] - total));
    }
  });
  context.result.values[0] = sum / static_cast<double>(logits.shape[0]);
}

// (softmax(logits) - q) dloss / N
void evaluate_cross_entropy_grad(EvalContext& context) {
  const TensorData& logits = *context.inputs[1];
  const TensorData& label = *context.inputs[2];
  const auto classes = static_cast<size_t>(logits.shape[1]);
  const double scale = context.inputs[0]->values[0] / static_cast<double>(logits.shape[0]);
  each_row(logits.shape, [&](size_t row) {
    const double total = log_sum_exp(context, &logits.values[row], classes);
    for (size_t k = 0; k < classes; ++k) {
      const double q = target(context.node, static_cast<double>(k), label.values[row / classes], classes);
      context.result.values[row + k] = (std::exp(logits.values[row + k] - total) - q) * scale;
    }
  });
}

std::vector<ValueId> gradient_softmax(GraphBuilder& b, ValueId forward, ValueId dy) {
  return {b.emit(Op::softmax_grad, {dy, forward})};
}

std::vector<ValueId> gradient_cross_entropy(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  return {b.emit(Op::cross_entropy_grad, {dy, node.inputs[0], node.inputs[1]}, node.attributes), kNoValue};
}

}  // namespace

OpInfo softmax() {
  OpInfo row = row_op(Op::softmax, "softmax", 1, "exp(x) / sum(exp(x)) over the classes");
  row.infer = infer_softmax;
  row.gradient = gradient_softmax;
  row.evaluate = evaluate_softmax;
  return row;
}

OpInfo softmax_grad() {
  OpInfo row = row_op(Op::softmax_grad, "softmax_grad", 2, "gradient of softmax, from dy and its result y");
  row.infer = infer_softmax_grad;
  row.evaluate = evaluate_softmax_grad;
  return row;
}

OpInfo cross_entropy() {
  OpInfo row = row_op(Op::cross_entropy, "cross_entropy", 2,
                      "mean over the batch of the cross entropy of softmax(logits) and the labels");
  row.attributes = {label_smoothing()};
  row.infer = infer_cross_entropy;
  row.gradient = gradient_cross_entropy;
  row.evaluate = evaluate_cross_entropy;
  return row;
}

OpInfo cross_entropy_grad() {
  OpInfo row = row_op(Op::cross_entropy_grad, "cross_entropy_grad", 3,
                      "gradient of cross_entropy to the logits, from the loss's gradient, logits and label");
  row.attributes = {label_smoothing()};
  row.infer = infer_cross_entropy_grad;
  row.evaluate = evaluate_cross_entropy_grad;
  return row;
}

}  // namespace rnc::ops
