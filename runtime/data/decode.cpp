#include "runtime/data/decode.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <string_view>

#include "runtime/support/file.h"

namespace rnrun {

namespace {

constexpr std::string_view kPng = "\x89PNG\r\n\x1a\n";

bool starts_with(std::span<const std::byte> file, std::string_view signature) {
  return file.size() >= signature.size() && std::memcmp(file.data(), signature.data(), signature.size()) == 0;
}

}  // namespace

Image decode_image(std::span<const std::byte> file, const std::string& path, const ImageLimits& limits) {
  if (starts_with(file, "\xff\xd8\xff")) return decode_jpeg(file, path, limits);
  if (starts_with(file, kPng)) return decode_png(file, path, limits);
  throw BadImage(fmt::format("{}: {}", path, file.empty() ? "empty" : "neither a JPEG nor a PNG image"));
}

namespace {

// Refuses a file that is too large before it is read.
AlignedBytes read_limited(const std::string& path, const ImageLimits& limits) {
  std::error_code ignored;  // what cannot be read, read_file explains
  const auto size = std::filesystem::file_size(path, ignored);
  if (!ignored && size > static_cast<uint64_t>(limits.file_bytes))
    throw BadImage(fmt::format("{}: a file of {}; images of up to {} are read", path,
                               bytes_text(static_cast<int64_t>(size)), bytes_text(limits.file_bytes)));
  try {
    return read_file(path);
  } catch (const Error& error) {
    throw BadImage(error.what());
  }
}

}  // namespace

Image read_image(const std::string& path, const ImageLimits& limits) {
  return decode_image(read_limited(path, limits), path, limits);
}

Image read_mask(const std::string& path, const ImageLimits& limits) {
  const AlignedBytes file = read_limited(path, limits);
  if (!starts_with(file, kPng)) throw BadImage(fmt::format("{}: a mask must be a PNG image", path));
  return decode_png_values(file, path, limits);
}

void check_size(int64_t width, int64_t height, const std::string& path, const ImageLimits& limits) {
  if (width < 1 || height < 1) throw BadImage(fmt::format("{}: an image of {}x{}", path, width, height));
  if (width > limits.pixels / height)
    throw BadImage(fmt::format("{}: an image of {}x{}; up to {} pixels are decoded", path, width, height,
                               limits.pixels));
}

void set_row(Image& image, int64_t y, const uint8_t* interleaved) {
  const ImageShape& s = image.shape;
  for (int64_t c = 0; c < s.channels; ++c) {
    uint8_t* to = image.pixels.data() + (c * s.height + y) * s.width;
    for (int64_t x = 0; x < s.width; ++x) to[x] = interleaved[x * s.channels + c];
  }
}

}  // namespace rnrun
