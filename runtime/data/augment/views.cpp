#include "runtime/data/augment/views.h"

#include <array>

#include "runtime/data/augment/geometry.h"

namespace rnrun {

namespace {

constexpr int64_t kCrops = 5;

// Where a crop is: top left, top right, bottom left, bottom right, centre.
struct Place {
  bool is_centre = false;
  bool at_bottom = false;
  bool at_right = false;
};

// Of mirrored views the image is mirrored before it is cut.
Place place_of(int64_t view) {
  const int64_t crop = view % kCrops;
  const bool mirrored = view >= kCrops;
  return {crop == kCrops - 1, crop / 2 == 1, (crop % 2 == 1) != mirrored};
}

// Of an image of another size: scaled.
void crop(Image& image, const ImageShape& shape, int64_t view) {
  const auto [full_height, full_width] = covering_size(image.shape, shape.height, shape.width);
  const Place place = place_of(view);
  Box window = centre_of(full_height, full_width, shape.height, shape.width);
  if (view >= kCrops) window.left = full_width - shape.width - window.left;
  if (!place.is_centre) {
    window.top = place.at_bottom ? full_height - shape.height : 0;
    window.left = place.at_right ? full_width - shape.width : 0;
  }
  resize(image, {0, 0, image.shape.height, image.shape.width}, full_height, full_width, window);
}

// Of an image that has the size: with a border.
void crop_padded(Image& image, int64_t view) {
  const auto [channels, height, width] = image.shape;
  const auto [full_height, full_width] = covering_size(image.shape, height, width);
  const Place place = place_of(view);
  const int64_t down = (full_height - height) / 2;
  const int64_t right = (full_width - width) / 2;
  if (!place.is_centre) shift(image, place.at_bottom ? -down : down, place.at_right ? -right : right);
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
    if (image.shape == shape)
      crop_padded(image, view);
    else
      crop(image, shape, view);
  } else {
    fit(image, shape, name);
  }
  if (mirrored) hflip(image);
}

}  // namespace rnrun
