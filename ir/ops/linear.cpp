// Matrix products. Of values with more dimensions, matmul multiplies the matrices of their last two, one for each index
// of the others, and linear the vectors of the last.
#include <fmt/format.h>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Type infer_linear(const Node& node, Types in) {
  require_real_at_least(node, in[0], 2, "the input");
  require_real(node, in[1], 2, "the weight");
  if (in[0].shape.back() != in[1].shape[1]) {
    fail(node, fmt::format("the input {} has {} features but the weight {} takes {}", str(in[0]),
                           in[0].shape.back(), str(in[1]), in[1].shape[1]));
  }
  if (in.size() > 2) require_type(node, in[2], like(in[0], {in[1].shape[0]}), "the bias");
  Shape shape = in[0].shape;
  shape.back() = in[1].shape[0];
  return like(in[0], std::move(shape));
}

// Rows and columns once transposed as the attribute says.
Pair matrix(const Node& node, const Shape& shape, std::string_view transpose) {
  const int64_t rows = shape[shape.size() - 2], columns = shape.back();
  return node.attributes.get<bool>(transpose) ? Pair{columns, rows} : Pair{rows, columns};
}

Shape without_matrix(Shape shape) {
  shape.resize(shape.size() - 2);
  return shape;
}

Type infer_matmul(const Node& node, Types in) {
  require_real_at_least(node, in[0], 2, "the left operand");
  require_real_at_least(node, in[1], 2, "the right operand");
  if (without_matrix(in[0].shape) != without_matrix(in[1].shape))
    fail(node, fmt::format("{} and {} do not match before their last two sizes", str(in[0]), str(in[1])));
  const Pair a = matrix(node, in[0].shape, "transpose_a");
  const Pair b = matrix(node, in[1].shape, "transpose_b");
  if (a[1] != b[0]) {
    fail(node, fmt::format("{}{} and {}{} do not match: {} columns against {} rows", str(in[0]),
                           node.attributes.get<bool>("transpose_a") ? " transposed" : "", str(in[1]),
                           node.attributes.get<bool>("transpose_b") ? " transposed" : "",
                           a[1] == kBatch ? "N" : std::to_string(a[1]),
                           b[0] == kBatch ? "N" : std::to_string(b[0])));
  }
  if (b[1] == kBatch) {
    fail(node, fmt::format("the batch would become the second dimension of the product of {} and {}",
                           str(in[0]), str(in[1])));
  }
  Shape shape = without_matrix(in[0].shape);
  shape.insert(shape.end(), {a[0], b[1]});
  return like(in[0], std::move(shape));
}

void evaluate_linear(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  const TensorData& w = *context.inputs[1];
  TensorData& y = context.result;
  const auto features = static_cast<size_t>(w.shape[1]);
  const auto outputs = static_cast<size_t>(w.shape[0]);
  const int bias = operand_place(context.node, "bias");
  for (size_t i = 0; i < y.values.size(); ++i) {
    const size_t n = i / outputs;
    const size_t o = i % outputs;
    double sum = bias < 0 ? 0 : context.inputs[static_cast<size_t>(bias)]->values[o];
    for (size_t k = 0; k < features; ++k) {
      context.accumulate(sum, x.values[n * features + k] * w.values[o * features + k]);
    }
    y.values[i] = sum;
  }
}

void evaluate_matmul(EvalContext& context) {
  const TensorData& a = *context.inputs[0];
  const TensorData& b = *context.inputs[1];
  TensorData& y = context.result;
  const Pair left = matrix(context.node, a.shape, "transpose_a"),
             right = matrix(context.node, b.shape, "transpose_b");
  const bool transpose_a = context.node.attributes.get<bool>("transpose_a");
  const bool transpose_b = context.node.attributes.get<bool>("transpose_b");
  const auto at = [](const TensorData& m, bool transposed, Pair size, int64_t of, int64_t i, int64_t j) {
    const int64_t place = transposed ? j * size[0] + i : i * size[1] + j;
    return m.values[static_cast<size_t>(of * size[0] * size[1] + place)];
  };
  for (size_t to = 0; to < y.values.size(); ++to) {
    const auto place = static_cast<int64_t>(to);
    const int64_t j = place % right[1], i = place / right[1] % left[0], of = place / right[1] / left[0];
    for (int64_t k = 0; k < left[1]; ++k)
      context.accumulate(y.values[to],
                         at(a, transpose_a, left, of, i, k) * at(b, transpose_b, right, of, k, j));
  }
}

ValueId product(GraphBuilder& b, ValueId left, bool transpose_left, ValueId right, bool transpose_right) {
  Attributes attributes;
  attributes.set("transpose_a", transpose_left);
  attributes.set("transpose_b", transpose_right);
  return b.emit(Op::matmul, {left, right}, std::move(attributes));
}

std::vector<ValueId> gradient_linear(GraphBuilder& b, ValueId forward, ValueId dy) {
  const std::vector<ValueId> in = b[forward].inputs;
  if (b[forward].type.rank() > 2) fail(b[forward], "is to be replaced before, as pass linear_to_conv does");
  std::vector<ValueId> gradients = {product(b, dy, false, in[1], false), product(b, dy, true, in[0], false)};
  if (in.size() > 2) gradients.push_back(b.emit(Op::channel_sum, {dy}));
  return gradients;
}

// For y = A B: dA = dy B^T and dB = A^T dy; an operand that was transposed gets the transpose of that.
std::vector<ValueId> gradient_matmul(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  const bool ta = node.attributes.get<bool>("transpose_a");
  const bool tb = node.attributes.get<bool>("transpose_b");
  const ValueId left = node.inputs[0];
  const ValueId right = node.inputs[1];
  const ValueId to_left = ta ? product(b, right, tb, dy, true) : product(b, dy, false, right, !tb);
  const ValueId to_right = tb ? product(b, dy, true, left, ta) : product(b, left, !ta, dy, false);
  return {to_left, to_right};
}

}  // namespace

OpInfo linear() {
  return {.op = Op::linear,
          .name = "linear",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 3,
          .optional = {"bias"},
          .doc = "x[..., I] times w[O, I] transposed, plus bias[O] if given",
          .infer = infer_linear,
          .gradient = gradient_linear,
          .evaluate = evaluate_linear};
}

OpInfo matmul() {
  return {.op = Op::matmul,
          .name = "matmul",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = {{"transpose_a", AttributeKind::boolean, false},
                         {"transpose_b", AttributeKind::boolean, false}},
          .doc = "the products of matrices, the last two dimensions, each transposed first if so attributed",
          .infer = infer_matmul,
          .gradient = gradient_matmul,
          .evaluate = evaluate_matmul};
}

}  // namespace rnc::ops
