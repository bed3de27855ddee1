#include "runtime/train/epoch_plan.h"

#include <algorithm>

#include "runtime/train/step_parts.h"

namespace rnrun {

namespace {

// Appends those at begin..end-1; of nothing, nothing.
void append(std::vector<uint32_t>& to, const std::vector<uint32_t>& values, int64_t begin, int64_t end) {
  if (!values.empty()) to.insert(to.end(), values.begin() + begin, values.begin() + end);
}

}  // namespace

LoaderPlan epoch_plan(const Sampler& sampler, const Task& task, const TrainSettings& settings,
                      const rn_entry& entry, int64_t epoch, int64_t begin, int64_t end,
                      const Communicator& ranks) {
  const EpochOrder all = sampler.epoch(settings.seed, epoch);
  LoaderPlan plan = training_plan(settings, task.fields(), {}, epoch);
  while (begin < end) {
    const int64_t samples = std::min(step_samples(settings), end - begin);
    const std::vector<int64_t> bounds = part_bounds(settings, entry, samples);
    const PartRange mine = parts_of_rank(static_cast<int64_t>(bounds.size()) - 1, ranks.rank(), ranks.size());
    const auto bound = [&](int64_t part) { return bounds[static_cast<size_t>(part)]; };
    for (int64_t part = mine.begin; part < mine.end; ++part)
      plan.batches.push_back(bound(part + 1) - bound(part));
    append(plan.order, all.order, begin + bound(mine.begin), begin + bound(mine.end));
    append(plan.repetitions, all.repetitions, begin + bound(mine.begin), begin + bound(mine.end));
    begin += samples;
  }
  return plan;
}

}  // namespace rnrun
