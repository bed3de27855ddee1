// Finding where the values of a training stopped being finite.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/model/bound_entry.h"
#include "runtime/model/session.h"

namespace rnrun {

// The first tensor of this kind, in the model's order, with a value that is not finite; null if all are
// finite.
const rn_tensor* first_bad_tensor(Session& session, rn_tensor_kind kind);

// Runs `entry` (train_step or backward) again on the inputs it holds, whose loss was not finite, and says in
// words where the first value came from that is not: "fc.weight is not finite since the step before", "the
// first values that are not finite are those of layer2.0.conv1". Empty if the model does not tell.
std::string first_bad_layer(Session& session, BoundEntry& entry, int64_t batch);

}  // namespace rnrun
