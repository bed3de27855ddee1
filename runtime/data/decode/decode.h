// Image files to pixels.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "runtime/data/image.h"

namespace rnrun {

struct DecodeOptions {
  // What is refused before memory is allocated for it.
  int64_t pixels = int64_t{1} << 26;  // 8192 x 8192
  int64_t file_bytes = int64_t{512} << 20;
  // Turn and mirror the picture as its EXIF data say (exif.h).
  bool exif_transpose = false;
};

// Pixels as Pillow gives them: grey stays grey (1 channel), all else becomes RGB (3 channels); transparency is dropped,
// of 16 bits per colour the upper 8 are kept, of an animation the first frame. Grey of 16 bits, which Pillow cuts off at
// 255, is refused. The kind of file is told by its first bytes. A truncated or damaged file is refused, where others show
// the part they understand. `path` is for messages. Throws BadImage.
Image decode_image(std::span<const std::byte> file, const std::string& path,
                   const DecodeOptions& options = {});
Image read_image(const std::string& path, const DecodeOptions& options = {});

// Whether a file is called like an image: ".jpg", ".PNG", ...
bool is_image_name(std::string_view name);
// Those extensions, for messages: "*.jpg, *.jpeg, *.png, ...".
std::string image_names();

// The kinds.
Image decode_jpeg(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options);
Image decode_png(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options);
Image decode_webp(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options);
Image decode_tiff(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options);
Image decode_gif(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options);
Image decode_bmp(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options);

// A PNG image of one channel whose pixels are the numbers in the file, palette indices or greys: a class for each pixel.
Image decode_png_values(std::span<const std::byte> file, const std::string& path,
                        const DecodeOptions& options = {});
Image read_mask(const std::string& path, const DecodeOptions& options = {});

// Throws BadImage unless the options allow an image of this size.
void check_size(int64_t width, int64_t height, const std::string& path, const DecodeOptions& options);
// Row `y` of `image` from `interleaved` pixels of its channels.
void set_row(Image& image, int64_t y, const uint8_t* interleaved);
// One value of RGB from one of CMY and K = 255 - `white`, as Pillow computes it.
uint8_t rgb_of_cmyk(uint32_t colour, uint32_t white);

}  // namespace rnrun
