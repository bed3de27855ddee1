// Any bytes are an image with all its pixels, or end in a BadImage; what is decoded can be made to fit.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "runtime/data/decode/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kPixels = 1 << 16;
  try {
    rnrun::Image image =
        rnrun::decode_image(std::as_bytes(std::span(data, size)), "fuzz", {.pixels = kPixels});
    const rnrun::ImageShape s = image.shape;
    if (static_cast<int64_t>(image.pixels.size()) != s.bytes()) std::abort();
    if (s.height * s.width > kPixels || (s.channels != 1 && s.channels != 3)) std::abort();
    rnrun::fit(image, {4 - s.channels, 8, 8}, "fuzz");
    if (image.pixels.size() != static_cast<size_t>(4 - s.channels) * 64) std::abort();
  } catch (const rnrun::BadImage&) {
  }
  return 0;
}
