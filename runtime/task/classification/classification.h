// Classification: each sample is of one of some classes. Target i32[], prediction f32[classes].
#pragma once

#include <memory>

#include "runtime/task/head.h"

namespace rnrun {

std::unique_ptr<const Head> make_classification(HeadPlace place);

// top1 and top5: the share of the samples whose label has the highest score, or one of the five highest. Of equal scores
// that of the lower class counts as higher; a NaN is higher than everything, so that a broken model does not look good.
std::span<const Metric> classification_metrics();

}  // namespace rnrun
