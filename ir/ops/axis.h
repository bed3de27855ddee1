// The attribute `axis` of operations along one dimension.
#pragma once

#include "ir/graph/graph.h"

namespace rnc {

// The dimension that it names, for values of this rank: a negative one counts from the last.
int64_t axis_of(const Node& node, int rank);

}  // namespace rnc
