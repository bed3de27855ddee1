#include "runtime/data/decode/exif.h"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace rnrun {

namespace {

using namespace std::string_view_literals;
using Bytes = std::span<const std::byte>;

bool has(Bytes bytes, size_t at, std::string_view text) {
  return at <= bytes.size() && bytes.size() - at >= text.size() &&
         std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

// `count` bytes from `at` on, or as many as there are.
Bytes part(Bytes bytes, size_t at, size_t count) {
  bytes = bytes.subspan(std::min(at, bytes.size()));
  return bytes.first(std::min(count, bytes.size()));
}

// A number of so many bytes; 0 beyond the end.
uint32_t number(Bytes bytes, size_t at, size_t count, bool big_endian) {
  if (at > bytes.size() || bytes.size() - at < count) return 0;
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i)
    value = value << 8 | static_cast<uint32_t>(bytes[at + (big_endian ? i : count - 1 - i)]);
  return value;
}

// Of a block that is built like a TIFF file.
int orientation_of_block(Bytes block) {
  if (has(block, 0, "Exif\0\0"sv)) block = block.subspan(6);
  const bool big_endian = has(block, 0, "MM\0*"sv);
  if (!big_endian && !has(block, 0, "II*\0"sv)) return 1;
  constexpr size_t kEntry = 12;
  constexpr uint32_t kOrientation = 0x0112, kShort = 3, kLong = 4;
  const size_t directory = number(block, 4, 4, big_endian);
  const uint32_t entries = number(block, directory, 2, big_endian);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + i * kEntry;
    if (at + kEntry > block.size()) break;
    if (number(block, at, 2, big_endian) != kOrientation) continue;
    const uint32_t type = number(block, at + 2, 2, big_endian);
    if (type != kShort && type != kLong) return 1;
    const uint32_t value = number(block, at + 8, type == kShort ? 2 : 4, big_endian);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// The EXIF block of each kind of file; empty where there is none.
Bytes jpeg_block(Bytes file) {
  constexpr uint32_t kApp1 = 0xffe1, kStartOfScan = 0xffda;
  for (size_t at = 2; at + 4 <= file.size();) {
    const uint32_t marker = number(file, at, 2, true);
    if (marker == 0xffff) {  // fill
      ++at;
      continue;
    }
    if (marker < 0xff00 || marker == kStartOfScan) break;
    const size_t length = number(file, at + 2, 2, true);
    if (marker == kApp1 && has(file, at + 4, "Exif\0\0"sv)) return part(file, at + 4, length - 2);
    at += 2 + length;
  }
  return {};
}

Bytes png_block(Bytes file) {
  for (size_t at = 8; at + 8 <= file.size();) {
    const size_t length = number(file, at, 4, true);
    if (has(file, at + 4, "eXIf"sv)) return part(file, at + 8, length);
    at += 12 + length;
  }
  return {};
}

Bytes webp_block(Bytes file) {
  for (size_t at = 12; at + 8 <= file.size();) {
    const size_t length = number(file, at + 4, 4, false);
    if (has(file, at, "EXIF"sv)) return part(file, at + 8, length);
    at += 8 + length + length % 2;
  }
  return {};
}

}  // namespace

int exif_orientation(Bytes file) {
  if (has(file, 0, "\xff\xd8"sv)) return orientation_of_block(jpeg_block(file));
  if (has(file, 0, "\x89PNG"sv)) return orientation_of_block(png_block(file));
  if (has(file, 8, "WEBP"sv)) return orientation_of_block(webp_block(file));
  return 1;
}

void orient(Image& image, int orientation) {
  if (orientation < 2 || orientation > 8) return;
  const bool transposed = orientation >= 5;
  const bool rows_reversed = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool columns_reversed = orientation == 2 || orientation == 3 || orientation >= 7;
  const auto [channels, height, width] = image.shape;
  const ImageShape shape{channels, transposed ? width : height, transposed ? height : width};
  std::vector<uint8_t> pixels(image.pixels.size());
  uint8_t* to = pixels.data();
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < shape.height; ++y)
      for (int64_t x = 0; x < shape.width; ++x) {
        const int64_t row = transposed ? x : y;
        const int64_t column = transposed ? y : x;
        *to++ =
            image.pixels[static_cast<size_t>((c * height + (rows_reversed ? height - 1 - row : row)) * width +
                                             (columns_reversed ? width - 1 - column : column))];
      }
  image = {shape, std::move(pixels)};
}

}  // namespace rnrun
