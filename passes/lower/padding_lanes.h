// Lanes past the last channel: every value stored for others to read has zeros there (ir/graph/type.h). Operands
// keep the rule, so only an operation whose result is not zero where its operands are can break it: x + c,
// c / x, rsqrt(x). Which they are is not listed here but found by evaluating them (OpInfo::evaluate).
#pragma once

#include <set>

#include "passes/lower/lowering.h"

namespace rnc {

// The values among `leaving` that have to be masked to be zero in the lanes past the last channel, in a
// kernel that computes `nodes` (elementwise, in order) from values of shape `domain` that are zero there.
// Values per channel are zero there too if lanes run along channels; otherwise all lanes have one channel's
// value, which may be anything, as scalars may. A value once masked is zero for those computed from it. (A
// scalar that is inf or NaN spoils the lanes that exist alike, and is not considered.)
std::set<ValueId> values_to_mask(const Lowering& lowering, const Group& nodes, const Shape& domain,
                                 bool lanes_along_channels, const std::set<ValueId>& leaving);

// Whether a tensor in this layout has elements past the end of a blocked dimension.
bool has_padding_lanes(const Type& type);

}  // namespace rnc
