#include "runtime/lr_schedule.h"

#include <cmath>
#include <numbers>

namespace rnrun {

const std::vector<std::string>& lr_schedules() {
  static const std::vector<std::string> names = {"constant", "cosine"};
  return names;
}

double learning_rate(std::string_view schedule, double base, int64_t step, int64_t steps) {
  if (schedule != "cosine" || steps <= 0) return base;
  const double progress = static_cast<double>(step) / static_cast<double>(steps);
  return base * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace rnrun
