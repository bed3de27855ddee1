#include "runtime/train/epoch_plan.h"

namespace rnrun {

namespace {

// Those at begin..end-1; of nothing, nothing.
std::vector<uint32_t> part(const std::vector<uint32_t>& values, int64_t begin, int64_t end) {
  if (values.empty()) return {};
  return {values.begin() + begin, values.begin() + end};
}

}  // namespace

LoaderPlan epoch_plan(const Sampler& sampler, const Task& task, const TrainSettings& settings, int64_t epoch,
                      int64_t begin, int64_t end) {
  const EpochOrder all = sampler.epoch(settings.seed, epoch);
  LoaderPlan plan = training_plan(settings, task.fields(), part(all.order, begin, end), epoch);
  plan.repetitions = part(all.repetitions, begin, end);
  return plan;
}

}  // namespace rnrun
