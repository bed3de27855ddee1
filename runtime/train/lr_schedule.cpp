#include "runtime/train/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace rnrun {

namespace {

// Half a cosine from `start` to `end`.
double anneal(double start, double end, double progress) {
  return end + (start - end) / 2 * (1 + std::cos(std::numbers::pi * progress));
}

double one_cycle(const TrainSettings& s, double step, double steps) {
  const double first = s.lr / s.lr_div_factor;
  const double last = first / s.lr_final_div_factor;
  const double peak = s.lr_pct_start * steps - 1;  // the step with the highest rate
  if (step <= peak && peak > 0) return anneal(first, s.lr, step / peak);
  const double down = steps - 1 - peak;
  return anneal(s.lr, last, down > 0 ? std::min((step - peak) / down, 1.0) : 1);
}

}  // namespace

double learning_rate(const TrainSettings& s, int64_t step, int64_t steps_per_epoch) {
  const auto per_epoch = static_cast<double>(steps_per_epoch);
  const double exact = static_cast<double>(step) / per_epoch;
  const auto warmup = static_cast<double>(s.lr_warmup_epochs);
  const auto epochs = static_cast<double>(s.epochs);
  const double t = s.lr_interval == "step" ? exact : std::floor(exact);
  if (t < warmup) {
    const double grown = s.lr_warmup_method == "linear" ? t / warmup : 0;
    return s.lr * (s.lr_warmup_decay + (1 - s.lr_warmup_decay) * grown);
  }
  const double u = t - warmup;
  if (s.lr_scheduler == "step")
    return s.lr * std::pow(s.lr_gamma, std::floor(u / static_cast<double>(s.lr_step_size)));
  if (s.lr_scheduler == "multistep") {
    const auto passed = std::ranges::count_if(
        s.lr_milestones, [&](int64_t milestone) { return static_cast<double>(milestone) <= u; });
    return s.lr * std::pow(s.lr_gamma, static_cast<double>(passed));
  }
  if (s.lr_scheduler == "exponential") return s.lr * std::pow(s.lr_gamma, u);
  if (s.lr_scheduler == "cosine") return anneal(s.lr, s.lr_min, std::min(u / (epochs - warmup), 1.0));
  if (s.lr_scheduler == "onecycle")
    return one_cycle(s, static_cast<double>(step) - warmup * per_epoch, (epochs - warmup) * per_epoch);
  return s.lr;
}

}  // namespace rnrun
