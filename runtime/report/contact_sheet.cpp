#include "runtime/report/contact_sheet.h"

#include <algorithm>

namespace rnrun {

namespace {

constexpr int64_t kMargin = 4;
constexpr int64_t kSmallest = 96;  // what the longer side is enlarged to, or a little less
constexpr uint8_t kWhite = 255;

void paste(Image& sheet, const Image& picture, int64_t top, int64_t left, int64_t factor) {
  const auto [channels, height, width] = picture.shape;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < height * factor; ++y) {
      uint8_t* to = sheet.pixels.data() + (c * sheet.shape.height + top + y) * sheet.shape.width + left;
      const uint8_t* from = picture.pixels.data() + (c * height + y / factor) * width;
      for (int64_t x = 0; x < width * factor; ++x) to[x] = from[x / factor];
    }
}

}  // namespace

Image contact_sheet(std::span<const Image> pictures, int64_t columns) {
  const ImageShape shape = pictures.front().shape;
  const auto count = static_cast<int64_t>(pictures.size());
  const int64_t factor = std::max<int64_t>(1, kSmallest / std::max(shape.height, shape.width));
  const int64_t height = shape.height * factor + kMargin;
  const int64_t width = shape.width * factor + kMargin;
  columns = std::min(columns, count);
  const int64_t rows = (count + columns - 1) / columns;
  Image sheet{{shape.channels, rows * height + kMargin, columns * width + kMargin}, {}};
  sheet.pixels.assign(static_cast<size_t>(sheet.shape.bytes()), kWhite);
  for (int64_t i = 0; i < count; ++i)
    paste(sheet, pictures[static_cast<size_t>(i)], kMargin + i / columns * height,
          kMargin + i % columns * width, factor);
  return sheet;
}

}  // namespace rnrun
