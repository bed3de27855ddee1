// Which forms of softmax and cross entropy have kernels, and what the others are made of.
#pragma once

#include "ir/graph/graph.h"

namespace rnc {

// Whether it is the softmax of rows [N, K].
bool is_of_rows(const Node& softmax);
// Whether a cross entropy is of rows [N, K] and one label for each, all classes and labels counting alike.
bool is_of_rows(const Graph& graph, const Node& cross_entropy);

namespace ops {

// softmax or log_softmax `node` of x by maxima and sums.
ValueId emit_softmax(GraphBuilder& builder, const Node& node, ValueId x);
// cross_entropy `node` by log_softmax, with the operands that it has in the builder's graph.
ValueId emit_cross_entropy(GraphBuilder& builder, const Node& node);

}  // namespace ops
}  // namespace rnc
