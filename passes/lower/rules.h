// The lowering of each operation family: how its nodes, or a fused group that begins with one, become
// kernels. The table in rules.cpp says which function lowers which operation.
#pragma once

#include "passes/lower/lowering.h"

namespace rnc {

using LowerRule = void (*)(Lowering& lowering, const Group& group);

// The node of a group that its kernel is built around: its convolution, matrix product or window operation,
// before which stand only nodes that compute its operands; or the first node.
ValueId anchor_of(const Graph& graph, const Group& group);

// The anchor and what is computed from it, with all other nodes of the group that this takes: what is left
// without those that serve the anchor's operands only.
Group epilogue_of(const Graph& graph, const Group& group);

// The first size of the values that a group's kernels go through image by image, or row by row: kBatch, or a
// number where these values have no batch.
int64_t images_of(const Graph& graph, const Group& group);

// Null for operations that other passes must have replaced (batch_norm, linear) or that need no work
// (source).
LowerRule lower_rule(Op op);

// elementwise.cpp: groups of elementwise operations and channel reductions
void lower_elementwise(Lowering& lowering, const Group& group);
// conv.cpp; the first two take a fused epilogue
void lower_conv2d(Lowering& lowering, const Group& group);
void lower_conv2d_input_grad(Lowering& lowering, const Group& group);
void lower_conv2d_weight_grad(Lowering& lowering, const Group& group);
void lower_winograd_weight(Lowering& lowering, const Group& group);
void lower_grouped_weight(Lowering& lowering, const Group& group);
// linear.cpp; takes a fused epilogue
void lower_matmul(Lowering& lowering, const Group& group);
// max_pool.cpp, max_pool_grad.cpp: both take an expression of x, and a fused epilogue
void lower_max_pool(Lowering& lowering, const Group& group);  // and max_pool_select
void lower_max_pool_grad(Lowering& lowering, const Group& group);
// pool.cpp
void lower_avg_pool(Lowering& lowering, const Group& group);
void lower_avg_pool_grad(Lowering& lowering, const Group& group);
void lower_global_avg_pool(Lowering& lowering, const Group& group);
void lower_global_avg_pool_grad(Lowering& lowering, const Group& group);
// channels.cpp
void lower_channels(Lowering& lowering, const Group& group);
// movement.cpp
void lower_movement(Lowering& lowering, const Group& group);
// loss.cpp
void lower_softmax(Lowering& lowering, const Group& group);
void lower_softmax_grad(Lowering& lowering, const Group& group);
void lower_cross_entropy(Lowering& lowering, const Group& group);
void lower_cross_entropy_grad(Lowering& lowering, const Group& group);
// image.cpp
void lower_normalize(Lowering& lowering, const Group& group);
void lower_resize(Lowering& lowering, const Group& group);

}  // namespace rnc
