#include "runtime/train/step_parts.h"

#include <algorithm>

namespace rnrun {

int64_t step_samples(const TrainSettings& settings) { return settings.batch_size * settings.accumulate; }

bool has_parts(const TrainSettings& settings) {
  return settings.accumulate > 1 || settings.micro_batches > 1;
}

std::vector<int64_t> part_bounds(const TrainSettings& settings, const rn_entry& entry, int64_t samples) {
  std::vector<int64_t> bounds = {0};
  if (settings.micro_batches > 1) {
    const int64_t parts = std::clamp(samples / entry.min_batch, int64_t{1}, settings.micro_batches);
    for (int64_t part = 1; part <= parts; ++part) bounds.push_back(samples * part / parts);
  } else {
    while (bounds.back() < samples) bounds.push_back(std::min(bounds.back() + settings.batch_size, samples));
  }
  return bounds;
}

int64_t part_count(const TrainSettings& settings, const rn_entry& entry, int64_t samples) {
  return static_cast<int64_t>(part_bounds(settings, entry, samples).size()) - 1;
}

int64_t largest_part(const TrainSettings& settings, const rn_entry& entry, int64_t samples) {
  int64_t largest = 0;
  for (const int64_t step : {std::min(step_samples(settings), samples), samples % step_samples(settings)}) {
    const std::vector<int64_t> bounds = part_bounds(settings, entry, step);
    for (size_t part = 1; part < bounds.size(); ++part)
      largest = std::max(largest, bounds[part] - bounds[part - 1]);
  }
  return largest;
}

PartRange parts_of_rank(int64_t parts, int rank, int ranks) {
  return {parts * rank / ranks, parts * (rank + 1) / ranks};
}

}  // namespace rnrun
