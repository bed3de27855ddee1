// Matrix products.
#include <fmt/format.h>

#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Type infer_linear(const Node& node, Types in) {
  require(node, in[0], DType::f32, 2, "the input");
  require(node, in[1], DType::f32, 2, "the weight");
  if (in[0].shape[1] != in[1].shape[1]) {
    fail(node, fmt::format("the input {} has {} features but the weight {} takes {}", str(in[0]),
                           in[0].shape[1], str(in[1]), in[1].shape[1]));
  }
  if (in.size() > 2) require_shape(node, in[2], {in[1].shape[0]}, "the bias");
  return f32({in[0].shape[0], in[1].shape[0]});
}

// Rows and columns once transposed as the attribute says.
Pair matrix(const Node& node, const Type& type, std::string_view transpose) {
  const bool swapped = node.attributes.get<bool>(transpose);
  return swapped ? Pair{type.shape[1], type.shape[0]} : Pair{type.shape[0], type.shape[1]};
}

Type infer_matmul(const Node& node, Types in) {
  require(node, in[0], DType::f32, 2, "the left operand");
  require(node, in[1], DType::f32, 2, "the right operand");
  const Pair a = matrix(node, in[0], "transpose_a");
  const Pair b = matrix(node, in[1], "transpose_b");
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
  return f32({a[0], b[1]});
}

}  // namespace

OpInfo linear() {
  return {.op = Op::linear,
          .name = "linear",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 3,
          .doc = "x[N, I] times w[O, I] transposed, plus bias[O] if given",
          .infer = infer_linear};
}

OpInfo matmul() {
  return {.op = Op::matmul,
          .name = "matmul",
          .kind = OpKind::contraction,
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = {{"transpose_a", AttributeKind::boolean, false},
                         {"transpose_b", AttributeKind::boolean, false}},
          .doc = "the product of two matrices, each transposed first if so attributed",
          .infer = infer_matmul};
}

}  // namespace rnc::ops
