// Where the network in training looks, for its report.
#pragma once

#include <optional>

#include "runtime/model/session.h"
#include "runtime/task/task.h"

namespace rnrun {

// With the weights that the session has now, which must not change while it is used; `session` and `task` must outlive it.
// Nothing where the library explains no layer (rnc --explain), or samples are not one picture of bytes.
std::optional<Look> look_of(Session& session, const Task& task);

}  // namespace rnrun
