// Several views of each image, over which a model's predictions are averaged (test-time augmentation).
#pragma once

#include <cstdint>
#include <string>

#include "runtime/data/image.h"

namespace rnrun {

enum class TestViews : uint8_t {
  // The image made to fit (fit in image.h).
  one,
  // That, and mirrored.
  flip,
  // torchvision's TenCrop: of the image scaled to cover 256/224 of the size the corners and the centre, and these
  // mirrored. An image that has the size already is not scaled; it gets a black border of half the difference, as random
  // crops in training have it.
  ten_crop,
};
int64_t view_count(TestViews views);

// Makes view number `view` (from 0 on) of the image. `name` is for the message of BadImage, when its channels do not fit.
void view(Image& image, const ImageShape& shape, TestViews views, int64_t view, const std::string& name);

}  // namespace rnrun
