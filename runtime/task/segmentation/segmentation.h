// Segmentation: a class for each pixel. Target i32[H, W], prediction f32[classes, H, W]; pixels of the ignored label
// count nothing.
//
// miou: the mean, over the classes that occur in targets or predictions, of intersection over union, each over the pixels
// of all samples (Pascal VOC's; the Jaccard index); pixel_accuracy: the share of the pixels whose class has the highest
// score. Of equal scores the lower class is the prediction.
#pragma once

#include <memory>

#include "runtime/task/head.h"

namespace rnrun {

std::unique_ptr<const Head> make_segmentation(HeadPlace place);

}  // namespace rnrun
