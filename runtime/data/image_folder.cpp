#include "runtime/data/image_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "runtime/data/decode.h"
#include "runtime/support/error.h"
#include "runtime/support/memory.h"
#include "runtime/support/thread_pool.h"

namespace rnrun {

namespace {

namespace fs = std::filesystem;

// Names in a directory that satisfy `wanted`, sorted.
template <class Wanted>
std::vector<std::string> sorted_names(const fs::path& directory, const Wanted& wanted) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (!name.starts_with('.') && wanted(*it)) names.push_back(std::move(name));
  }
  if (error)
    throw Error(fmt::format("cannot read the directory {}: {}", directory.string(), error.message()));
  std::ranges::sort(names);
  return names;
}

bool is_directory(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored);
}

bool is_image(const fs::directory_entry& entry) { return is_image_name(entry.path().string()); }

// Names go into checkpoints and reports, which are JSON.
bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

// The classes' names: the known ones, or the folders' if they are called otherwise.
std::vector<std::string> names_of(const std::vector<std::string>& folders, const DataOptions& options,
                                  const std::string& directory) {
  const std::vector<std::string>& known = options.class_names;
  std::vector<std::string_view> others;
  for (const std::string& folder : folders)
    if (std::ranges::find(known, folder) == known.end()) others.push_back(folder);
  if (others.empty()) return known;
  if (others.size() < folders.size() || options.names_fixed)
    throw Error(fmt::format("{}: the folder{} {} {} not called like any class of {}, which are {}", directory,
                            others.size() == 1 ? "" : "s", fmt::join(others, ", "),
                            others.size() == 1 ? "is" : "are", options.named_by, fmt::join(known, ", ")));
  if (static_cast<int64_t>(folders.size()) != options.field("label").classes)
    throw Error(fmt::format("{} has {} folders of images, the model has {} classes", directory,
                            folders.size(), options.field("label").classes));
  for (const std::string& folder : folders)
    if (!is_utf8(folder))
      throw Error(fmt::format("{}/{}: the name of a class must be UTF-8", directory, folder));
  return folders;
}

// The label of each folder.
std::vector<int32_t> labels_of(const std::vector<std::string>& folders,
                               const std::vector<std::string>& names) {
  std::vector<int32_t> labels;
  for (const std::string& folder : folders)
    labels.push_back(static_cast<int32_t>(std::ranges::find(names, folder) - names.begin()));
  return labels;
}

class ImageFolder : public Dataset {
 public:
  ImageFolder(std::string directory, const DataOptions& options, int64_t cache_bytes)
      : directory_(std::move(directory)),
        folders_(sorted_names(directory_, is_directory)),
        names_(names_of(folders_, options, directory_)),
        labels_(labels_of(folders_, names_)),
        shape_(options.field("image").picture()),
        keep_size_(options.keep_size),
        cache_left_(cache_bytes) {
    for (uint32_t folder = 0; folder < folders_.size(); ++folder)
      for (std::string& name : sorted_names(fs::path(directory_) / folders_[folder], is_image))
        files_.push_back({folder, std::move(name)});
    if (files_.empty())
      throw Error(fmt::format("{} has no images: no <class>/*.jpg, *.jpeg or *.png", directory_));
    cache_ = std::make_unique<std::atomic<const Image*>[]>(files_.size());
    if (options.skip_corrupt) leave_out_corrupt();
  }
  ~ImageFolder() override {
    for (size_t i = 0; i < files_.size(); ++i) delete cache_[i].load();
  }

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  std::string description() const override {
    return fmt::format("JPEG and PNG images in {} folders", folders_.size());
  }

  std::vector<std::string> class_names() const override { return names_; }
  std::vector<std::string> left_out() const override { return left_out_; }

  std::vector<std::string> fields() const override { return {"image", "label"}; }

  void read(int64_t index, Sample& sample) const override {
    const File& file = files_[static_cast<size_t>(index)];
    std::atomic<const Image*>& cached = cache_[static_cast<size_t>(index)];
    sample.resize(2);
    if (const Image* known = cached.load(std::memory_order_acquire)) {
      sample[0].set(*known);
    } else {
      const std::string path = fmt::format("{}/{}/{}", directory_, folders_[file.folder], file.name);
      Image image = read_image(path);
      if (!keep_size_) fit(image, shape_, path);
      keep(image, cached);
      sample[0].set(std::move(image));
    }
    sample[1].set(labels_[file.folder]);
  }

 private:
  struct File {
    uint32_t folder;
    std::string name;
  };

  // Decodes every image, on as many threads as there are CPUs.
  void leave_out_corrupt() {
    std::vector<std::string> faults(files_.size());
    std::atomic<size_t> next = 0;
    const auto work = [&] {
      Sample sample;
      for (size_t i = next++; i < files_.size(); i = next++) {
        try {
          read(static_cast<int64_t>(i), sample);
        } catch (const BadImage& error) {
          faults[i] = error.what();
        }
      }
    };
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < default_threads(); ++i) threads.emplace_back(work);
    }
    size_t good = 0;
    for (size_t i = 0; i < files_.size(); ++i) {
      if (!faults[i].empty()) {
        left_out_.push_back(std::move(faults[i]));
        continue;
      }
      if (good < i) {
        files_[good] = std::move(files_[i]);
        cache_[good] = cache_[i].exchange(nullptr);
      }
      ++good;
    }
    if (good == 0) throw Error(fmt::format("{}: no image can be decoded; {}", directory_, left_out_[0]));
    files_.resize(good);
  }

  // Puts a copy in the cache if there is room.
  void keep(const Image& image, std::atomic<const Image*>& place) const {
    const auto bytes = static_cast<int64_t>(image.pixels.size() + sizeof(Image));
    if (cache_left_.fetch_sub(bytes) < bytes) {
      cache_left_ += bytes;
      return;
    }
    auto copy = std::make_unique<const Image>(image);
    const Image* none = nullptr;
    if (place.compare_exchange_strong(none, copy.get(), std::memory_order_release))
      copy.release();
    else  // another thread was faster
      cache_left_ += bytes;
  }

  std::string directory_;
  std::vector<std::string> folders_;
  std::vector<std::string> names_;  // of the classes
  std::vector<int32_t> labels_;     // by folder
  std::vector<File> files_;
  std::vector<std::string> left_out_;
  ImageShape shape_;
  bool keep_size_;
  std::unique_ptr<std::atomic<const Image*>[]> cache_;  // by image; owned
  mutable std::atomic<int64_t> cache_left_;             // bytes
};

}  // namespace

std::unique_ptr<const Dataset> open_image_folder(const std::string& directory, const DataOptions& options,
                                                 int64_t cache_bytes) {
  return std::make_unique<ImageFolder>(directory, options, cache_bytes);
}

std::unique_ptr<const Dataset> open_image_folder(const std::string& directory, const DataOptions& options) {
  constexpr int64_t kUnknown = int64_t{1} << 30;
  return open_image_folder(directory, options, available_memory().value_or(4 * kUnknown) / 4);
}

}  // namespace rnrun
