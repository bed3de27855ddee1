// The attribute `axis` of operations along one dimension.
#pragma once

#include "ir/graph/graph.h"

namespace rnc {

// The dimension that it names, for values of this rank: a negative one counts from the last.
int64_t axis_of(const Node& node, int rank);

namespace ops {
// That dimension, not the first, of a value with at least two; fails where there is none.
size_t checked_axis(const Node& node, const Type& type);
}  // namespace ops

}  // namespace rnc
