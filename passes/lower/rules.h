// The lowering of each operation family: how its nodes, or a fused group that begins with one, become
// kernels. The table ir/ops/ops.def says which function lowers which operation.
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

// Null for operations that other passes must have replaced (batch_norm, linear) or that need no work (source).
LowerRule lower_rule(Op op);

// The functions of ops.def, each in the file of its family. Groups of elementwise operations and channel reductions go
// to one; those of convolutions, matrix products and pools take a fused epilogue, max_pool's an expression of its
// operand, too.
#define RNC_OP(name, family, kernel) void lower_##kernel(Lowering& lowering, const Group& group);
#include "ir/ops/ops.def"
#undef RNC_OP

}  // namespace rnc
