// Decoding with libwebp, by its decoder of animations, which is Pillow's way: a frame smaller than the picture stands on
// black.
#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "runtime/data/decode/decode.h"

namespace rnrun {

Image decode_webp(std::span<const std::byte> file, const std::string& path, const DecodeOptions& options) {
  const auto damaged = [&](const char* what) {
    return BadImage(fmt::format("{}: damaged WebP image: {}", path, what));
  };
  const WebPData data{reinterpret_cast<const uint8_t*>(file.data()), file.size()};
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data.bytes, data.size, &features) != VP8_STATUS_OK) throw damaged("no header");
  check_size(features.width, features.height, path, options);

  WebPAnimDecoderOptions how;
  WebPAnimDecoderOptionsInit(&how);
  how.color_mode = MODE_RGBA;
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(
      WebPAnimDecoderNew(&data, &how), WebPAnimDecoderDelete);
  uint8_t* rgba = nullptr;
  int timestamp = 0;
  if (decoder == nullptr) throw damaged("truncated, or its parts contradict each other");
  if (WebPAnimDecoderGetNext(decoder.get(), &rgba, &timestamp) == 0) throw damaged("it cannot be decoded");

  Image image{{3, features.height, features.width}, {}};
  image.pixels.resize(static_cast<size_t>(image.shape.bytes()));
  const int64_t plane = image.shape.height * image.shape.width;
  for (int64_t i = 0; i < plane; ++i)
    for (int64_t c = 0; c < 3; ++c) image.pixels[static_cast<size_t>(c * plane + i)] = rgba[4 * i + c];
  return image;
}

}  // namespace rnrun
