// JPEG and PNG files to pixels.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "runtime/data/image.h"

namespace rnrun {

// What is refused before memory is allocated for it.
struct ImageLimits {
  int64_t pixels = int64_t{1} << 26;  // 8192 x 8192
  int64_t file_bytes = int64_t{512} << 20;
};

// Pixels as Pillow gives them: grey stays grey (1 channel), all else becomes RGB (3 channels); transparency
// is dropped, of 16 bits the upper 8 are kept, rotation by EXIF is not applied. The kind of file is told by
// its first bytes. A truncated or damaged file is refused, where others show the part they understand. `path`
// is for messages. Throws BadImage.
Image decode_image(std::span<const std::byte> file, const std::string& path, const ImageLimits& limits = {});
Image read_image(const std::string& path, const ImageLimits& limits = {});

// Whether a file is called as an image that can be decoded: *.jpg, *.jpeg or *.png, whatever the case.
bool is_image_name(const std::string& path);

// The two kinds.
Image decode_jpeg(std::span<const std::byte> file, const std::string& path, const ImageLimits& limits);
Image decode_png(std::span<const std::byte> file, const std::string& path, const ImageLimits& limits);

// Throws BadImage unless the limits allow an image of this size.
void check_size(int64_t width, int64_t height, const std::string& path, const ImageLimits& limits);
// Row `y` of `image` from `interleaved` pixels of its channels.
void set_row(Image& image, int64_t y, const uint8_t* interleaved);

}  // namespace rnrun
