// The file: a header, the pixels of the images in any order, and an index with an entry for each.
#include "runtime/data/files/disk_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <span>
#include <vector>

#include "runtime/contract/checksum.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"
#include "runtime/support/mapped_file.h"
#include "runtime/support/memory.h"
#include "runtime/support/output.h"
#include "runtime/support/partial_file.h"

namespace rnrun {

namespace {

constexpr char kMagic[] = "rnimg 1";

struct Header {
  char magic[8] = {};
  uint64_t key = 0;
  int64_t count = 0;
  int64_t index_at = 0;
  uint64_t checksum = 0;  // of the index
};
struct Entry {
  int64_t at = 0;
  uint64_t checksum = 0;
  int32_t channels = 0;  // 0: the image could not be decoded
  int32_t height = 0;
  int32_t width = 0;
  int32_t unused = 0;
};

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

class DiskCache : public ImageCache {
 public:
  // Throws Error when the file is not there or not whole.
  DiskCache(DecodePlace decode, uint64_t key, int64_t count, const std::string& path)
      : decode_(std::move(decode)), path_(path), file_(path) {
    const auto bytes = file_.bytes();
    Header header;
    if (bytes.size() < sizeof header) fail();
    std::memcpy(&header, bytes.data(), sizeof header);
    const auto index_bytes = count * static_cast<int64_t>(sizeof(Entry));
    if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.key != key || header.count != count ||
        header.index_at != static_cast<int64_t>(bytes.size()) - index_bytes ||
        header.index_at < static_cast<int64_t>(sizeof header))
      fail();
    const auto index = bytes.subspan(static_cast<size_t>(header.index_at));
    if (contract::checksum_of({index}) != header.checksum) fail();
    index_at_ = header.index_at;
  }

  Image read(int64_t place) const override {
    const Entry entry = entry_of(place);
    if (entry.channels == 0) return decode_(place);
    Image image{{entry.channels, entry.height, entry.width}, {}};
    const int64_t size = image.shape.bytes();
    if (entry.at < 0 || size < 0 || size > index_at_ - entry.at) fail();
    const auto bytes = file_.bytes().subspan(static_cast<size_t>(entry.at), static_cast<size_t>(size));
    const auto* pixels = reinterpret_cast<const uint8_t*>(bytes.data());
    image.pixels.assign(pixels, pixels + size);
    if (contract::checksum_of({std::as_bytes(std::span(image.pixels))}) != entry.checksum) fail();
    return image;
  }
  void check(int64_t place) const override {
    if (entry_of(place).channels == 0) decode_(place);
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(fmt::format("the cache {} is damaged: remove it, and it will be made anew", path_));
  }
  Entry entry_of(int64_t place) const {
    Entry entry;
    const auto at = static_cast<size_t>(index_at_) + static_cast<size_t>(place) * sizeof entry;
    std::memcpy(&entry, file_.bytes().data() + at, sizeof entry);
    return entry;
  }

  DecodePlace decode_;
  std::string path_;
  MappedFile file_;
  int64_t index_at_ = 0;
};

// Null when there is none that is whole.
std::unique_ptr<const ImageCache> open_cache(const DecodePlace& decode, uint64_t key, int64_t count,
                                             const std::string& path) {
  try {
    return std::make_unique<DiskCache>(decode, key, count, path);
  } catch (const Error&) {
    return nullptr;
  }
}

// Decodes all images, and leaves the file under `path`.
void make_cache(PartialFile& file, const DecodePlace& decode, uint64_t key, int64_t count,
                const std::string& path) {
  file.clear();
  std::vector<Entry> index(static_cast<size_t>(count));
  std::atomic<int64_t> end = sizeof(Header);
  for_all_images(count, "decoding images into " + path, [&](int64_t place) {
    Image image;
    try {
      image = decode(place);
    } catch (const BadImage&) {
      return;  // said when it is read
    }
    const auto pixels = std::as_bytes(std::span(image.pixels));
    const int64_t at = end.fetch_add(static_cast<int64_t>(pixels.size()));
    file.write(at, pixels);
    index[static_cast<size_t>(place)] = {
        at, contract::checksum_of({pixels}), static_cast<int32_t>(image.shape.channels),
        static_cast<int32_t>(image.shape.height), static_cast<int32_t>(image.shape.width)};
  });
  const auto index_bytes = std::as_bytes(std::span(index));
  Header header{
      .key = key, .count = count, .index_at = end, .checksum = contract::checksum_of({index_bytes})};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  file.write(end, index_bytes);
  file.write(0, bytes_of(header));
  file.finish();
  print_message(fmt::format("rnrun: {} images decoded into {}, {}", count, path, bytes_text(end)));
}

}  // namespace

uint64_t images_key(std::string_view decoding, int64_t count,
                    const std::function<std::string(int64_t place)>& path_of) {
  uint64_t key = contract::checksum_of({std::as_bytes(std::span(decoding))});
  for (int64_t place = 0; place < count; ++place) {
    const std::string path = path_of(place);
    struct stat status {};
    const bool there = stat(path.c_str(), &status) == 0;
    const int64_t numbers[] = {there ? status.st_size : -1, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
    key = contract::checksum_of(
        {bytes_of(key), std::as_bytes(std::span(path)), std::as_bytes(std::span(numbers))});
  }
  return key;
}

std::unique_ptr<const ImageCache> disk_cache(DecodePlace decode, uint64_t key, int64_t count,
                                             const std::string& directory) {
  make_directory(directory);
  const std::string path = fmt::format("{}/images-{}.cache", directory, contract::checksum_text(key));
  if (auto cache = open_cache(decode, key, count, path)) return cache;
  {
    PartialFile file(path);
    if (auto cache = open_cache(decode, key, count, path)) return cache;  // another process was faster
    make_cache(file, decode, key, count, path);
  }
  return std::make_unique<DiskCache>(std::move(decode), key, count, path);
}

}  // namespace rnrun
