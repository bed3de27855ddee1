// What a training reads in an epoch.
#pragma once

#include "runtime/data/loader.h"
#include "runtime/data/sampler.h"
#include "runtime/task/task.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

// The samples begin..end-1 of an epoch, and what the settings do to them.
LoaderPlan epoch_plan(const Sampler& sampler, const Task& task, const TrainSettings& settings, int64_t epoch,
                      int64_t begin, int64_t end);

}  // namespace rnrun
