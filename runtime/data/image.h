// One picture in memory, and what is done to it before it is given to a model.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/support/error.h"

namespace rnrun {

struct ImageShape {
  int64_t channels = 1;
  int64_t height = 1;
  int64_t width = 1;
  int64_t bytes() const { return channels * height * width; }
  bool operator==(const ImageShape&) const = default;
};
std::string str(const ImageShape&);  // "1x28x28"

// A picture that cannot be used: "<path>: <what is wrong>".
class BadImage : public Error {
 public:
  using Error::Error;
};

struct Image {
  ImageShape shape;
  std::vector<uint8_t> pixels;  // one plane per channel, row by row
  // The pixels are numbers of classes: they are moved as others are, but never mixed, and keep their values.
  bool is_mask = false;
  uint8_t outside = 0;  // of what comes in from beyond the edges
};

// A rectangle of pixels.
struct Box {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;
  bool operator==(const Box&) const = default;
};

// Grey to colour by repetition, colour to grey by ITU-R 601 luma, as Pillow's convert() does it. Throws
// BadImage if that does not lead to so many channels; `name` is the image's.
void convert_channels(Image& image, int64_t channels, const std::string& name);

// `source` of the image, scaled to `height` x `width`, of which only `window` is computed and becomes the
// image. Exactly Pillow's crop(source) followed by resize(BILINEAR) and crop(window): triangle filter that
// widens when the image shrinks, horizontal pass first, 22-bit fixed-point weights, rounded between passes. Masks are scaled
// as by its NEAREST.
void resize(Image& image, const Box& source, int64_t height, int64_t width, const Box& window);

// The size of an image scaled so that it just covers 256/224 of height x width: {height, width}.
std::array<int64_t, 2> covering_size(const ImageShape& image, int64_t height, int64_t width);
// The middle of so many pixels, as torchvision's center_crop.
Box centre_of(int64_t full_height, int64_t full_width, int64_t height, int64_t width);

// Makes the image what the model takes. Channels: see above. If its size is another, as torchvision's
// evaluation transform does: scales it so that it just covers 256/224 of the size (Resize(256) for 224
// pixels), then takes the centre.
void fit(Image& image, const ImageShape& shape, const std::string& name);

}  // namespace rnrun
