// Softmax and cross entropy over classes: the second dimension of [N, K].
//
// cross_entropy is PyTorch's: the mean over the batch of -sum_k q[k] log softmax(logits)[k], where
// q = (1 - label_smoothing) [k = label] + label_smoothing / K. A label outside 0..K-1 gives NaN.
#include <fmt/format.h>

#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Type infer_softmax(const Node& node, Types in) {
  require(node, in[0], DType::f32, 2, "the operand");
  return f32(in[0].shape);
}

Type infer_softmax_grad(const Node& node, Types in) {
  require(node, in[0], DType::f32, 2, "the gradient");
  require_shape(node, in[1], in[0].shape, "the result of softmax");
  return f32(in[0].shape);
}

void check_cross_entropy(const Node& node, const Type& logits, const Type& label) {
  require(node, logits, DType::f32, 2, "the logits");
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
  return f32({});
}

Type infer_cross_entropy_grad(const Node& node, Types in) {
  require_shape(node, in[0], {}, "the gradient");
  check_cross_entropy(node, in[1], in[2]);
  return f32(in[1].shape);
}

const AttributeSpec kSmoothing{"label_smoothing", AttributeKind::real, 0.0};

OpInfo row_op(Op op, std::string_view name, int inputs, std::string_view doc) {
  return {
      .op = op, .name = name, .kind = OpKind::other, .min_inputs = inputs, .max_inputs = inputs, .doc = doc};
}

}  // namespace

OpInfo softmax() {
  OpInfo row = row_op(Op::softmax, "softmax", 1, "exp(x) / sum(exp(x)) over the classes");
  row.infer = infer_softmax;
  return row;
}

OpInfo softmax_grad() {
  OpInfo row = row_op(Op::softmax_grad, "softmax_grad", 2, "gradient of softmax, from dy and its result y");
  row.infer = infer_softmax_grad;
  return row;
}

OpInfo cross_entropy() {
  OpInfo row = row_op(Op::cross_entropy, "cross_entropy", 2,
                      "mean over the batch of the cross entropy of softmax(logits) and the labels");
  row.attributes = {kSmoothing};
  row.infer = infer_cross_entropy;
  return row;
}

OpInfo cross_entropy_grad() {
  OpInfo row = row_op(Op::cross_entropy_grad, "cross_entropy_grad", 3,
                      "gradient of cross_entropy to the logits, from the loss's gradient, logits and label");
  row.attributes = {kSmoothing};
  row.infer = infer_cross_entropy_grad;
  return row;
}

}  // namespace rnc::ops
