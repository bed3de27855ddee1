// PNG files as small as a report's pictures need them: 8 bits, no filter. https://www.w3.org/TR/png-3/
#include "runtime/data/decode/encode_png.h"

#include <zlib.h>

#include <string_view>
#include <vector>

namespace rnrun {

namespace {

std::string big_endian(uint64_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

std::string chunk(std::string_view type, std::string_view data) {
  const std::string body = std::string(type) + std::string(data);
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(data.size()) + body + big_endian(crc);
}

std::string compressed(std::string_view data) {
  uLongf size = compressBound(data.size());
  std::string result(size, '\0');
  compress2(reinterpret_cast<Bytef*>(result.data()), &size, reinterpret_cast<const Bytef*>(data.data()),
            data.size(), Z_BEST_COMPRESSION);
  result.resize(size);
  return result;
}

}  // namespace

std::string png_file(const ImageShape& shape, std::span<const uint8_t> pixels) {
  const int64_t channels = shape.channels == 3 ? 3 : 1;
  std::string rows;
  for (int64_t y = 0; y < shape.height; ++y) {
    rows += '\0';  // no filter
    for (int64_t x = 0; x < shape.width; ++x)
      for (int64_t c = 0; c < channels; ++c)
        rows += static_cast<char>(pixels[static_cast<size_t>((c * shape.height + y) * shape.width + x)]);
  }
  const std::string kind = {8, static_cast<char>(channels == 3 ? 2 : 0), 0, 0, 0};
  const std::string size =
      big_endian(static_cast<uint64_t>(shape.width)) + big_endian(static_cast<uint64_t>(shape.height));
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", size + kind) + chunk("IDAT", compressed(rows)) +
         chunk("IEND", "");
}

namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

}  // namespace

std::string png_uri(const ImageShape& shape, std::span<const uint8_t> pixels) {
  return "data:image/png;base64," + base64(png_file(shape, pixels));
}

}  // namespace rnrun
