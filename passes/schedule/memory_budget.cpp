#include "passes/schedule/memory_budget.h"

#include <fmt/format.h>

#include <algorithm>

#include "passes/report/summary.h"
#include "passes/schedule/plan_memory.h"

namespace rnc {
namespace {

// The call of an entry at which most bytes are live, by its layer.
std::string layer_at_peak(const loops::EntryProgram& entry, int64_t batch) {
  const std::vector<Life> life = lives(entry);
  int64_t most = -1;
  std::string layer;
  for (int c = 0; c < static_cast<int>(entry.calls.size()); ++c) {
    int64_t live = 0;
    for (size_t b = 0; b < entry.buffers.size(); ++b) {
      const bool planned = entry.buffers[b].region == loops::Region::arena;
      if (planned && life[b].first <= c && c <= life[b].last) live += entry.buffers[b].size.at(batch);
    }
    if (live <= most) continue;
    most = live;
    layer = entry.calls[static_cast<size_t>(c)].label;
  }
  return layer;
}

// From what costs least time to what costs most.
std::vector<RecomputeLimits> recompute_attempts() {
  std::vector<RecomputeLimits> attempts = {RecomputeLimits{}};
  for (const int64_t cost : {100, 200, 300, 640, 1280, 5120}) {
    for (const int kernels : {2, 3, 4, 6}) attempts.push_back({kernels, cost, 0});
  }
  return attempts;
}

}  // namespace

RecomputeLimits fit_budget(const Compilation& compilation, std::span<const Pass> passes, int64_t budget) {
  const int64_t batch = recipe_batch(compilation.module);
  int64_t least = INT64_MAX;
  std::string layer;
  for (const RecomputeLimits& limits : recompute_attempts()) {
    Compilation attempt = compilation;
    attempt.recompute = limits;
    run_passes(attempt, passes);
    const auto is_step = [](const loops::EntryProgram& entry) { return entry.role == EntryRole::train_step; };
    if (!attempt.program || std::ranges::none_of(attempt.program->entries, is_step))
      throw UserError({}, "--memory-budget: what is compiled has no training step");
    const loops::EntryProgram& step = *std::ranges::find_if(attempt.program->entries, is_step);
    const int64_t peak = peak_bytes(step, batch);
    if (peak <= budget) return limits;
    if (peak >= least) continue;
    least = peak;
    layer = layer_at_peak(step, batch);
  }
  throw UserError({},
                  fmt::format("--memory-budget: a training step at batch {} takes at least {} bytes, most of "
                              "them at {}; the budget is {}",
                              batch, least, layer, budget));
}

}  // namespace rnc
