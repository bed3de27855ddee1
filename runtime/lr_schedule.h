// Learning rates that change from step to step.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rnrun {

// Names of the schedules: "constant", and "cosine", which goes from the base rate to zero along half a cosine
// (Loshchilov and Hutter, "SGDR", 2017, without restarts; PyTorch's CosineAnnealingLR, per step).
const std::vector<std::string>& lr_schedules();

// The rate for step `step` (from 0) of `steps` in all. `schedule` is one of lr_schedules().
double learning_rate(std::string_view schedule, double base, int64_t step, int64_t steps);

}  // namespace rnrun
