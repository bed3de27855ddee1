#include "runtime/data/views.h"

#include <array>

#include "runtime/data/geometry.h"

namespace rnrun {

namespace {

constexpr int64_t kCrops = 5;

// Top left, top right, bottom left, bottom right, centre; mirrored: of the mirrored image.
void crop(Image& image, const ImageShape& shape, int64_t place, bool mirrored) {
  const auto [channels, height, width] = shape;
  const auto [full_height, full_width] = covering_size(image.shape, height, width);
  Box window = centre_of(full_height, full_width, height, width);
  if (place < kCrops - 1) {
    window.top = place / 2 * (full_height - height);
    window.left = place % 2 * (full_width - width);
  }
  if (mirrored) window.left = full_width - width - window.left;
  resize(image, {0, 0, image.shape.height, image.shape.width}, full_height, full_width, window);
}

}  // namespace

int64_t view_count(TestViews views) {
  constexpr std::array<int64_t, 3> kCounts = {1, 2, 2 * kCrops};
  return kCounts[static_cast<size_t>(views)];
}

void view(Image& image, const ImageShape& shape, TestViews views, int64_t view, const std::string& name) {
  const bool mirrored = views != TestViews::one && view >= view_count(views) / 2;
  if (views == TestViews::ten_crop) {
    convert_channels(image, shape.channels, name);
    crop(image, shape, view % kCrops, mirrored);
  } else {
    fit(image, shape, name);
  }
  if (mirrored) hflip(image);
}

}  // namespace rnrun
