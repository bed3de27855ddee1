// Classification: each image is of one of some classes. Fields "image", u8[C, H, W], and "label", i32[].
#pragma once

#include <memory>

#include "runtime/task/signature.h"
#include "runtime/task/task.h"

namespace rnrun {

// Null when the entry does not take one batch of images and, if it computes a loss, one of labels, and predict
// f32[N, classes].
std::unique_ptr<const Task> make_classification(const Signature& signature);

// top1 and top5: the share of the samples whose label has the highest score, or one of the five highest. Of equal scores
// that of the lower class counts as higher; a NaN is higher than everything, so that a broken model does not look good.
std::span<const Metric> classification_metrics();

}  // namespace rnrun
