// Runs entries on several views of each sample, and averages what they predict (test-time augmentation).
#pragma once

#include <vector>

#include "runtime/data/loader.h"
#include "runtime/model/bound_entry.h"
#include "runtime/task/task.h"

namespace rnrun {

// The samples of `plan` as views: batches of as many images, those of a sample one after the other, but at least one
// sample.
LoaderPlan with_views(LoaderPlan plan, TestViews views);

class ViewAverage {
 public:
  // Throws UsageError when predictions of the task are not averaged.
  ViewAverage(const Task& task, TestViews views);
  // Runs the entry on a batch of such a plan. Then its outputs f32[N, ...] begin with one row for each sample, the mean
  // over the views: of scores before any softmax, as torchvision and timm average. Returns the batch of the first views,
  // which is valid until the next call and as long as `batch`.
  Batch run(BoundEntry& entry, const Batch& batch);

 private:
  const Task& task_;
  TestViews views_;
  std::vector<AlignedBytes> values_;
};

}  // namespace rnrun
