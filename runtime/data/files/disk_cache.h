// Decoded images in a file that is mapped into memory, for data sets that decoding is slow of and memory too small for. The
// file is made once, and taken again as long as the image files and the way they are decoded stay the same.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/data/files/image_cache.h"

namespace rnrun {

// A checksum of what decoded images depend on: how they are decoded, and each file's name, size and time of modification.
uint64_t images_key(std::string_view decoding, int64_t count,
                    const std::function<std::string(int64_t place)>& path_of);

// The cache <directory>/images-<key>.cache; it is made where it is not there or damaged: under a temporary name, so that it
// is whole or not there. Of two processes that want the same, one makes it and the other waits. Images that cannot be
// decoded are not in it, and decoded anew each time. Each image has a checksum that is compared when it is read. Throws
// Error when the file cannot be written.
std::unique_ptr<const ImageCache> disk_cache(DecodePlace decode, uint64_t key, int64_t count,
                                             const std::string& directory);

}  // namespace rnrun
