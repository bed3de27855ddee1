#include "runtime/data/readers/paired_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <vector>

#include "runtime/data/decode/decode.h"
#include "runtime/support/error.h"

namespace rnrun {

namespace {

namespace fs = std::filesystem;

struct Folders {
  const char* given;
  const char* wanted;
};
constexpr std::array<Folders, 2> kFolders = {{{"images", "masks"}, {"input", "target"}}};

// Files by their names without extension.
using Files = std::map<std::string, std::string>;

Files files_in(const std::string& directory) {
  Files files;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const fs::path path = it->path();
    if (path.filename().string().starts_with('.')) continue;
    const auto [place, fresh] = files.emplace(path.stem().string(), path.string());
    if (!fresh)
      throw Error(
          fmt::format("{} and {} have the same name but for the extension", place->second, path.string()));
  }
  if (error) throw Error(fmt::format("cannot read the directory {}: {}", directory, error.message()));
  return files;
}

// The name of one that the other folder does not have; empty if there is none.
std::string lonely(const Files& files, const Files& others) {
  const auto found =
      std::ranges::find_if(files, [&](const auto& file) { return !others.contains(file.first); });
  return found == files.end() ? std::string() : found->second;
}

class PairedFolder : public Dataset {
 public:
  // Field 0 is given, field 1 is wanted of it.
  PairedFolder(const DataOptions& options, const Files& given, const Files& wanted)
      : fields_(options.fields),
        decoding_{.exif_transpose = options.exif_transpose},
        label_offset_(options.label_offset) {
    for (const auto& [name, path] : given) pairs_.push_back({path, wanted.at(name)});
  }

  int64_t size() const override { return static_cast<int64_t>(pairs_.size()); }
  std::string description() const override {
    return fields_[1].is_mask() ? "images with masks" : "pairs of images";
  }
  std::vector<std::string> fields() const override { return {fields_[0].name, fields_[1].name}; }

  void read(int64_t index, Sample& sample) const override {
    const auto& [given, wanted] = pairs_[static_cast<size_t>(index)];
    sample.resize(2);
    Image image = read_image(given, decoding_);
    Image other = fields_[1].is_mask() ? read_mask(wanted) : read_image(wanted, decoding_);
    if (fields_[1].is_mask()) {
      move_classes(other, wanted);
      check_mask(image, given, other, wanted);
    }
    sample[0].set(std::move(image));
    sample[1].set(std::move(other));
  }

  void check(int64_t index) const override {
    Sample sample;
    read(index, sample);
  }

 private:
  struct Paths {
    std::string given, wanted;
  };
  void move_classes(Image& mask, const std::string& path) const {
    if (label_offset_ == 0) return;
    for (uint8_t& k : mask.pixels) {
      if (k == fields_[1].ignored) continue;
      const int64_t moved = k + label_offset_;
      if (moved < 0 || moved > 255)
        throw Error(fmt::format("{}: has a pixel of class {}, which --label-offset {} makes {}", path, k,
                                label_offset_, moved));
      k = static_cast<uint8_t>(moved);
    }
  }
  void check_mask(const Image& image, const std::string& given, const Image& mask,
                  const std::string& wanted) const {
    if (image.shape.height != mask.shape.height || image.shape.width != mask.shape.width)
      throw Error(fmt::format("{} is {}x{} pixels, its image {} is {}x{}", wanted, mask.shape.height,
                              mask.shape.width, given, image.shape.height, image.shape.width));
    const Field& field = fields_[1];
    const auto wrong = std::ranges::find_if(mask.pixels, [&](uint8_t v) {
      return field.classes > 0 && v >= field.classes && v != field.ignored;
    });
    if (wrong != mask.pixels.end())
      throw Error(fmt::format(
          "{}: has a pixel of class {}, which is not below the model's {} classes{}", wanted, *wrong,
          field.classes, field.ignored ? fmt::format(" and not {}, which it ignores", *field.ignored) : ""));
  }

  std::vector<Field> fields_;
  DecodeOptions decoding_;
  int64_t label_offset_;  // of masks, but for the ignored class
  std::vector<Paths> pairs_;
};

}  // namespace

bool is_paired_folder(const std::string& directory) {
  return std::ranges::any_of(kFolders, [&](const Folders& f) {
    return fs::is_directory(directory + "/" + f.given) && fs::is_directory(directory + "/" + f.wanted);
  });
}

std::unique_ptr<const Dataset> open_paired_folder(const std::string& directory, const DataOptions& options) {
  const auto& fields = options.fields;
  const bool masks = fields.size() == 2 && fields[1].is_mask(),
             pictures = fields.size() == 2 && fields[1].is_picture();
  if (!fields[0].is_picture() || (!masks && !pictures))
    throw Error(fmt::format(
        "{} has images with masks or with other images, which are for models that take one picture, "
        "and of each pixel a class, i32[N, H, W], or another picture",
        directory));
  if (options.cache_images == CacheImages::disk)
    throw UsageError("--cache is for single images, not for images with masks or other images");
  const Folders names = kFolders[masks ? 0 : 1];
  const std::string given = fmt::format("{}/{}", directory, names.given),
                    wanted = fmt::format("{}/{}", directory, names.wanted);
  for (const std::string& path : {given, wanted})
    if (!fs::is_directory(path))
      throw Error(fmt::format("no directory {}: a model of {} takes {} and {}", path,
                              masks ? "classes of pixels" : "images from images", given, wanted));
  const Files images = files_in(given), others = files_in(wanted);
  if (images.empty()) throw Error(fmt::format("{} has no images", given));
  if (const std::string file = lonely(images, others); !file.empty())
    throw Error(fmt::format("{} has no other of its name in {}", file, wanted));
  if (const std::string file = lonely(others, images); !file.empty())
    throw Error(fmt::format("{} has no other of its name in {}", file, given));
  return std::make_unique<PairedFolder>(options, images, others);
}

}  // namespace rnrun
