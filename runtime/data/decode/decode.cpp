#include "runtime/data/decode/decode.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

#include "runtime/data/decode/exif.h"
#include "runtime/support/file.h"

namespace rnrun {

namespace {

using namespace std::string_view_literals;

// A kind of file: what it begins with, from byte `at` on.
struct Format {
  std::string_view name;
  size_t at;
  std::string_view signature;
  Image (*decode)(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options);
};
constexpr Format kPng{"PNG", 0, "\x89PNG\r\n\x1a\n"sv, decode_png};
constexpr std::array<Format, 10> kFormats = {{
    {"JPEG", 0, "\xff\xd8\xff"sv, decode_jpeg},
    kPng,
    {"WebP", 8, "WEBP"sv, decode_webp},
    {"TIFF", 0, "II*\0"sv, decode_tiff},
    {"TIFF", 0, "MM\0*"sv, decode_tiff},
    {"TIFF", 0, "II+\0"sv, decode_tiff},
    {"TIFF", 0, "MM\0+"sv, decode_tiff},
    {"GIF", 0, "GIF87a"sv, decode_gif},
    {"GIF", 0, "GIF89a"sv, decode_gif},
    {"BMP", 0, "BM"sv, decode_bmp},
}};
constexpr std::array kExtensions = {".jpg"sv, ".jpeg"sv, ".png"sv, ".webp"sv,
                                    ".tif"sv, ".tiff"sv, ".gif"sv, ".bmp"sv};

bool is_of(const Format& format, std::span<const std::byte> file) {
  return file.size() >= format.at + format.signature.size() &&
         std::memcmp(file.data() + format.at, format.signature.data(), format.signature.size()) == 0;
}

}  // namespace

bool is_image_name(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  std::string extension(name.substr(dot));
  std::ranges::transform(extension, extension.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

std::string image_names() { return fmt::format("*{}", fmt::join(kExtensions, ", *")); }

Image decode_image(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options) {
  if (file.empty()) throw BadImage(path + ": empty");
  const auto format =
      std::ranges::find_if(kFormats, [&](const Format& candidate) { return is_of(candidate, file); });
  if (format == kFormats.end()) throw BadImage(path + ": not a JPEG, PNG, WebP, TIFF, GIF or BMP image");
  Image image = format->decode(file, path, options);
  if (options.exif_transpose) orient(image, exif_orientation(file));
  return image;
}

namespace {

// Refuses a file that is too large before it is read.
AlignedBytes read_limited(const std::string& path, const DecodeOptions& options) {
  std::error_code ignored;  // what cannot be read, read_file explains
  const auto size = std::filesystem::file_size(path, ignored);
  if (!ignored && size > static_cast<uint64_t>(options.file_bytes))
    throw BadImage(fmt::format("{}: a file of {}; images of up to {} are read", path,
                               bytes_text(static_cast<int64_t>(size)), bytes_text(options.file_bytes)));
  try {
    return read_file(path);
  } catch (const Error& error) {
    throw BadImage(error.what());
  }
}

}  // namespace

Image read_image(const std::string& path, const DecodeOptions& options) {
  return decode_image(read_limited(path, options), path, options);
}

Image read_mask(const std::string& path, const DecodeOptions& options) {
  const AlignedBytes file = read_limited(path, options);
  if (!is_of(kPng, file)) throw BadImage(fmt::format("{}: a mask must be a PNG image", path));
  return decode_png_values(file, path, options);
}

void check_size(int64_t width, int64_t height, const std::string& path, const DecodeOptions& options) {
  if (width < 1 || height < 1) throw BadImage(fmt::format("{}: an image of {}x{}", path, width, height));
  if (width > options.pixels / height)
    throw BadImage(fmt::format("{}: an image of {}x{}; up to {} pixels are decoded", path, width, height,
                               options.pixels));
}

uint8_t rgb_of_cmyk(uint32_t colour, uint32_t white) {
  const uint32_t product = colour * white + 128;  // its 255th part, rounded
  return static_cast<uint8_t>(white - (((product >> 8) + product) >> 8));
}

void set_row(Image& image, int64_t y, const uint8_t* interleaved) {
  const ImageShape& s = image.shape;
  for (int64_t c = 0; c < s.channels; ++c) {
    uint8_t* to = image.pixels.data() + (c * s.height + y) * s.width;
    for (int64_t x = 0; x < s.width; ++x) to[x] = interleaved[x * s.channels + c];
  }
}

}  // namespace rnrun
