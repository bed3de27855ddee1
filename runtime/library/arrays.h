// rnrun_array as the runtime takes it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/model/arguments.h"
#include "runtime/rnrun.h"

namespace rnrun {

// Throw UsageError where an array is impossible: no name or data, a type or rank that there is not, a negative size.
// The results refer to the arrays.
Argument argument_of(const rnrun_array& array);
std::vector<Argument> arguments_of(const rnrun_array* arrays, int64_t count, std::string_view what);

}  // namespace rnrun
