// What the files of ir/ops share: the declaration of every operation's row, and helpers for shape rules.
#pragma once

#include <array>
#include <string_view>

#include "ir/graph/graph.h"
#include "ir/ops/op.h"

namespace rnc::ops {

// One function per operation makes its row; an operation without one does not link.
#define RNC_OP(name, family, kernel) OpInfo name();
#include "ir/ops/ops.def"
#undef RNC_OP

using Types = std::span<const Type>;
using Pair = std::array<int64_t, 2>;  // height, width
struct Sides {
  Pair before{0, 0}, after{0, 0};  // {top, left}, {bottom, right}
};

// Throws UserError at the node: "conv2d: <message>".
[[noreturn]] void fail(const Node& node, std::string_view message);

// The type of values like the operand's in another shape.
inline Type like(const Type& operand, Shape shape) { return {operand.dtype, std::move(shape), {}}; }

// Fails unless `type` has the element type and the rank; `what` names the operand.
void require(const Node& node, const Type& type, DType dtype, int rank, std::string_view what);
// Fails unless `type` is of real numbers and has the rank, or at least the rank.
void require_real(const Node& node, const Type& type, int rank, std::string_view what);
void require_real_at_least(const Node& node, const Type& type, int rank, std::string_view what);
// Fails unless `type` is the expected one but for its layout.
void require_type(const Node& node, const Type& type, const Type& expected, std::string_view what);
// Fails unless both numbers of the pair attribute are at least `minimum`.
Pair pair(const Node& node, std::string_view attribute, int64_t minimum);
Sides sides(const Node& node, std::string_view attribute);

// The type of an optional operand; null if it is absent.
const Type* optional(const Node& node, Types in, std::string_view operand);

// A convolution's or pool's window over the two spatial dimensions.
struct Window {
  Pair kernel{1, 1}, stride{1, 1}, pad{0, 0}, dilation{1, 1};
  Pair pad_after{0, 0};  // bottom, right; `pad` is top, left
};
// Positions of the window along each dimension of an input of `size`: floor((size + pads - dilation (kernel - 1) - 1)
// / stride) + 1, as PyTorch. Fails where the window does not fit once.
Pair output_size(const Node& node, const Window& window, Pair size);

// For gradient rules.
ValueId emit_reshape(GraphBuilder& builder, ValueId value, Shape shape);
// The variance that batch norm takes of its batch: of one value per channel it is refused, as by PyTorch.
ValueId emit_batch_variance(GraphBuilder& builder, ValueId x);
ValueId emit_rstd(GraphBuilder& builder, ValueId variance, double eps);  // rsqrt(variance + eps)
// A dropout in training: the mask of its elements, or of its samples, and the product with it.
ValueId emit_mask(GraphBuilder& builder, const Node& dropout, ValueId seed);
ValueId emit_dropped(GraphBuilder& builder, const Node& dropout, ValueId x, ValueId mask);
// A transposed convolution without its bias, as a gradient of conv2d.
ValueId emit_transposed(GraphBuilder& builder, const Node& conv_transpose, ValueId x, ValueId w);
// The mean along the dimensions that a node reduces, from the sum. (The node by value: one of the builder's graph moves
// as nodes are added.)
ValueId emit_mean_of_sum(GraphBuilder& builder, ValueId sum, Node reduction);
// argmax `node`, of another graph, by maxima of x: of the numbers of its largest elements' places.
ValueId emit_argmax(GraphBuilder& builder, const Node& node, ValueId x);

}  // namespace rnc::ops
