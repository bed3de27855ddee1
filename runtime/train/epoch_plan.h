// What a training reads in an epoch.
#pragma once

#include "runtime/data/loader.h"
#include "runtime/data/sampler.h"
#include "runtime/ranks/communicator.h"
#include "runtime/task/task.h"
#include "runtime/train/train_settings.h"

namespace rnrun {

// Of the samples begin..end-1 of an epoch, cut into steps and these into parts for `entry` (step_parts.h), those that are
// this rank's, and what the settings do to them. A batch is a part.
LoaderPlan epoch_plan(const Sampler& sampler, const Task& task, const TrainSettings& settings,
                      const rn_entry& entry, int64_t epoch, int64_t begin, int64_t end,
                      const Communicator& ranks = {});

}  // namespace rnrun
