// Keeps decoded images, so that each file is decoded once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runtime/data/image.h"

namespace rnrun {

// Decodes the image at a place 0, 1, ...; may be called by several threads. Throws BadImage.
using DecodePlace = std::function<Image(int64_t place)>;

// Constant to those who use it; its functions may be called by several threads.
class ImageCache {
 public:
  virtual ~ImageCache() = default;
  // What decoding it gives, with and without a cache. Throws BadImage.
  virtual Image read(int64_t place) const = 0;
  // Throws BadImage when the image cannot be decoded.
  virtual void check(int64_t place) const { read(place); }
};

// Keeps images as they are read, as long as there is room in `bytes` of memory; 0: none.
std::unique_ptr<const ImageCache> memory_cache(DecodePlace decode, int64_t count, int64_t bytes);

// Calls `each` for 0..count-1 on as many threads as there are CPUs; tells standard error now and then how far it is.
// `doing` is what it says then: "decoding images". Throws what `each` threw.
void for_all_images(int64_t count, const std::string& doing, const std::function<void(int64_t)>& each);

}  // namespace rnrun
