#include "runtime/data/files/image_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <span>

#include "runtime/data/decode/decode.h"
#include "runtime/data/decode/exif.h"
#include "runtime/data/files/disk_cache.h"
#include "runtime/data/files/image_cache.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"
#include "runtime/support/memory.h"

namespace rnrun {

namespace {

std::string path_of(const ImageFiles& files, int64_t place) {
  const std::string_view path = files.paths[place];
  return path.starts_with('/') ? std::string(path) : fmt::format("{}/{}", files.directory, path);
}

// How the camera was held, from the beginning of the file where that is enough.
int orientation_of(const std::string& path) {
  constexpr size_t kHead = size_t{1} << 16;
  std::string head(kHead, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  const bool behind = head.starts_with("RIFF") && head.size() == kHead;  // WebP has it behind the pixels
  if (!behind) return exif_orientation(std::as_bytes(std::span(head)));
  try {
    return exif_orientation(read_file(path));
  } catch (const Error&) {
    return 1;
  }
}

// "12 of the first 1000 images ..."; empty when all are upright.
std::string orientation_note(const ImageFiles& files) {
  constexpr int64_t kLooked = 1000;
  const int64_t count = std::min(files.paths.size(), kLooked);
  int64_t turned = 0;
  for (int64_t i = 0; i < count; ++i) turned += orientation_of(path_of(files, i)) != 1;
  if (turned == 0) return "";
  return fmt::format(
      "{} of the {}{} images {} turned or mirrored by the camera's EXIF orientation, which is not "
      "applied (as in torchvision): --exif-transpose applies it",
      turned, count < files.paths.size() ? "first " : "", count, turned == 1 ? "is" : "are");
}

class ImageFileDataset : public Dataset {
 public:
  ImageFileDataset(ImageFiles files, const DataOptions& options)
      : files_(std::move(files)), options_(options), rows_(std::move(files_.columns)), cache_(make_cache()) {
    if (options.exif_transpose) return;
    if (std::string note = orientation_note(files_); !note.empty()) files_.notes.push_back(std::move(note));
  }

  int64_t size() const override { return files_.paths.size() / pictures(); }
  std::string description() const override { return files_.description; }
  std::vector<std::string> class_names() const override { return files_.class_names; }
  std::vector<std::string> notes() const override { return files_.notes; }
  std::vector<std::string> fields() const override {
    std::vector<std::string> names;
    for (const Field& picture : files_.pictures) names.push_back(picture.name);
    for (std::string& name : rows_.fields()) names.push_back(std::move(name));
    return names;
  }
  // Known without the images.
  std::vector<int32_t> numbers(size_t field) const override {
    return field < files_.pictures.size() ? Dataset::numbers(field)
                                          : rows_.numbers(field - files_.pictures.size());
  }
  std::vector<int32_t> strata() const override { return rows_.strata(); }

  void read(int64_t index, Sample& sample) const override {
    rows_.read(index, sample);
    for (int64_t i = 0; i < pictures(); ++i) {
      SampleTensor tensor;
      tensor.set(cache_->read(index * pictures() + i));
      sample.insert(sample.begin() + i, std::move(tensor));
    }
  }
  void check(int64_t index) const override {
    for (int64_t i = 0; i < pictures(); ++i) cache_->check(index * pictures() + i);
  }

 private:
  int64_t pictures() const { return static_cast<int64_t>(files_.pictures.size()); }

  Image decode(int64_t place) const {
    const std::string path = path_of(files_, place);
    Image image = read_image(path, {.exif_transpose = options_.exif_transpose});
    const Field& field = files_.pictures[static_cast<size_t>(place % pictures())];
    if (!options_.keep_size) fit(image, field.picture(), path);
    return image;
  }

  std::unique_ptr<const ImageCache> make_cache() const {
    const auto decode_place = [this](int64_t place) { return decode(place); };
    if (options_.cache_images == CacheImages::disk)
      return disk_cache(decode_place, cache_key(), files_.paths.size(), options_.cache_directory);
    constexpr int64_t kUnknown = int64_t{4} << 30;
    const int64_t bytes = options_.cache_bytes.value_or(available_memory().value_or(kUnknown) / 4);
    return memory_cache(decode_place, files_.paths.size(),
                        options_.cache_images == CacheImages::no ? 0 : bytes);
  }

  // Of all that the decoded images depend on.
  uint64_t cache_key() const {
    std::string decoding =
        fmt::format("transposed {} as they are {}", options_.exif_transpose, options_.keep_size);
    for (const Field& picture : files_.pictures) decoding += " " + str(picture.picture());
    return images_key(decoding, files_.paths.size(),
                      [this](int64_t place) { return path_of(files_, place); });
  }

  ImageFiles files_;
  DataOptions options_;
  ArrayDataset rows_;
  std::unique_ptr<const ImageCache> cache_;
};

}  // namespace

std::unique_ptr<const Dataset> open_image_files(ImageFiles files, const DataOptions& options) {
  if (files.paths.size() > std::numeric_limits<uint32_t>::max())
    throw Error(fmt::format("{}: {} images, more than 2^32", files.directory, files.paths.size()));
  return std::make_unique<ImageFileDataset>(std::move(files), options);
}

}  // namespace rnrun
