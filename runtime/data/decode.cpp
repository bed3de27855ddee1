#include "runtime/data/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "runtime/support/file.h"

namespace rnrun {

namespace {

bool starts_with(std::span<const std::byte> file, std::string_view signature) {
  return file.size() >= signature.size() && std::memcmp(file.data(), signature.data(), signature.size()) == 0;
}

}  // namespace

Image decode_image(std::span<const std::byte> file, const std::string& path, const ImageLimits& limits) {
  if (starts_with(file, "\xff\xd8\xff")) return decode_jpeg(file, path, limits);
  if (starts_with(file, "\x89PNG\r\n\x1a\n")) return decode_png(file, path, limits);
  throw BadImage(fmt::format("{}: {}", path, file.empty() ? "empty" : "neither a JPEG nor a PNG image"));
}

Image read_image(const std::string& path, const ImageLimits& limits) {
  std::error_code ignored;  // what cannot be read, read_file explains
  const auto size = std::filesystem::file_size(path, ignored);
  if (!ignored && size > static_cast<uint64_t>(limits.file_bytes))
    throw BadImage(fmt::format("{}: a file of {}; images of up to {} are read", path,
                               bytes_text(static_cast<int64_t>(size)), bytes_text(limits.file_bytes)));
  AlignedBytes file;
  try {
    file = read_file(path);
  } catch (const Error& error) {
    throw BadImage(error.what());
  }
  return decode_image(file, path, limits);
}

bool is_image_name(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
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
