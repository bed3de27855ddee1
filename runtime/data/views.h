// Several views of each image, over which a model's predictions are averaged (test-time augmentation).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/data/image.h"

namespace rnrun {

enum class TestViews : uint8_t {
  one,   // the image made to fit (fit in image.h)
  flip,  // that, and mirrored
  ten_crop,  // torchvision's TenCrop: of the image scaled to cover 256/224 of the size the corners and the centre, and
             // these mirrored; images that have the size already are scaled as well
};
int64_t view_count(TestViews views);

// Makes view number `view` (from 0 on) of the image. `name` is for the message of BadImage, when its channels do not fit.
void view(Image& image, const ImageShape& shape, TestViews views, int64_t view, const std::string& name);

}  // namespace rnrun
