// The attribute `axis` of operations along one dimension.
#pragma once

#include "ir/graph/graph.h"

namespace rnc {

// The dimension that it names, for values of this rank: a negative one counts from the last.
int64_t axis_of(const Node& node, int rank);

// How far a roll moves the elements along its axis, of `size`: its shift without whole turns, 0 to size - 1.
int64_t shift_of(const Node& roll, int64_t size);

namespace ops {
// That dimension, `first` or one behind; fails where there is none.
size_t checked_axis(const Node& node, const Type& type, int first = 1);
}  // namespace ops

}  // namespace rnc
