// What the files of ir/ops share: the declaration of every operation's row, and helpers for shape rules.
#pragma once

#include <array>
#include <string_view>

#include "ir/graph/graph.h"
#include "ir/ops/op.h"

namespace rnc::ops {

// One function per operation makes its row; an operation without one does not link.
#define RNC_OP(name, family) OpInfo name();
#include "ir/ops/ops.def"
#undef RNC_OP

using Types = std::span<const Type>;
using Pair = std::array<int64_t, 2>;  // height, width

// Throws UserError at the node: "conv2d: <message>".
[[noreturn]] void fail(const Node& node, std::string_view message);

inline Type f32(Shape shape) { return {.dtype = DType::f32, .shape = std::move(shape)}; }

// Fails unless `type` has the element type and the rank; `what` names the operand.
void require(const Node& node, const Type& type, DType dtype, int rank, std::string_view what);
// Fails unless `type` is f32 of at least the rank.
void require_rank_at_least(const Node& node, const Type& type, int rank, std::string_view what);
// Fails unless `type` is f32 of exactly this shape.
void require_shape(const Node& node, const Type& type, const Shape& shape, std::string_view what);
// Fails unless both numbers of the pair attribute are at least `minimum`.
Pair pair(const Node& node, std::string_view attribute, int64_t minimum);

// The type of an optional operand; null if it is absent.
const Type* optional(const Node& node, Types in, std::string_view operand);

// A convolution's or pool's window over the two space dimensions.
struct Window {
  Pair kernel{1, 1}, stride{1, 1}, pad{0, 0}, dilation{1, 1};
};
// Positions of the window along each dimension of an input of `size`: floor((size + 2 pad - dilation (kernel
// - 1) - 1) / stride) + 1, as PyTorch. Fails where the window does not fit once.
Pair output_size(const Node& node, const Window& window, Pair size);

// For gradient rules.
ValueId emit_reshape(GraphBuilder& builder, ValueId value, Shape shape);
// The variance that batch norm takes of its batch: of one value per channel it is refused, as by PyTorch.
ValueId emit_batch_variance(GraphBuilder& builder, ValueId x);
ValueId emit_rstd(GraphBuilder& builder, ValueId variance, double eps);  // rsqrt(variance + eps)

}  // namespace rnc::ops
