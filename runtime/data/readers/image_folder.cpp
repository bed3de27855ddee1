#include "runtime/data/readers/image_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "runtime/data/decode/decode.h"
#include "runtime/data/files/image_files.h"
#include "runtime/data/readers/class_labels.h"
#include "runtime/support/error.h"

namespace rnrun {

namespace {

namespace fs = std::filesystem;

// What is directly in a directory, sorted by name.
struct Listing {
  std::vector<std::string> directories;
  std::vector<std::string> files;
};

Listing listing_of(const std::string& directory) {
  Listing listing;
  std::error_code error, ignored;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (name.starts_with('.')) continue;
    (it->is_directory(ignored) ? listing.directories : listing.files).push_back(std::move(name));
  }
  if (error) throw Error(fmt::format("cannot read the directory {}: {}", directory, error.message()));
  std::ranges::sort(listing.directories);
  std::ranges::sort(listing.files);
  return listing;
}

// Collects the images below a directory, and what else there is.
class Search {
 public:
  explicit Search(std::string directory) : directory_(std::move(directory)) {}

  // All below the folder, whose path is relative; folders within it after its own files.
  void add(const std::string& folder, int depth = 0) {
    constexpr int kMaxDepth = 32;
    if (depth > kMaxDepth)
      throw Error(fmt::format("{}/{}: folders within each other, {} deep", directory_, folder, kMaxDepth));
    const Listing found = listing_of(directory_ + "/" + folder);
    add_files(found, folder);
    for (const std::string& name : found.directories) add(folder + "/" + name, depth + 1);
  }
  // Files that are in no folder.
  void pass_over(const std::vector<std::string>& files) {
    for (const std::string& name : files) pass_over(name, "");
  }

  PathList take_paths() { return std::move(paths_); }
  int64_t count() const { return paths_.size(); }
  // "3 files in 2 folders are no images ...: notes.txt, ..."; empty when there are none.
  std::string note() const {
    if (others_ == 0) return "";
    const bool one = others_ == 1;
    return fmt::format("{}: {} file{} in {} folder{} {} no image{} rnrun reads (<class>/{}): {}{}",
                       directory_, others_, one ? "" : "s", folders_.size(), folders_.size() == 1 ? "" : "s",
                       one ? "is" : "are", one ? "" : "s", image_names(), fmt::join(shown_, ", "),
                       others_ > static_cast<int64_t>(shown_.size()) ? ", ..." : "");
  }

 private:
  void add_files(const Listing& found, const std::string& folder) {
    for (const std::string& name : found.files)
      if (is_image_name(name))
        paths_.add(folder + "/" + name);
      else
        pass_over(name, folder);
  }
  void pass_over(const std::string& name, const std::string& folder) {
    constexpr size_t kShown = 5;
    ++others_;
    folders_.insert(folder);
    if (shown_.size() < kShown) shown_.push_back(folder.empty() ? name : folder + "/" + name);
  }

  std::string directory_;
  PathList paths_;
  int64_t others_ = 0;  // files that are no images
  std::set<std::string> folders_;
  std::vector<std::string> shown_;
};

// All pictures below a directory, for models that take nothing else.
std::unique_ptr<const Dataset> open_pictures(const std::string& directory, const DataOptions& options) {
  Search search(directory);
  search.add(".");
  if (search.count() == 0) throw Error(fmt::format("{} has no images: no {}", directory, image_names()));
  ImageFiles files{.directory = directory, .description = "images", .pictures = {options.field("image")}};
  if (std::string note = search.note(); !note.empty()) files.notes.push_back(std::move(note));
  files.paths = search.take_paths();
  return open_image_files(std::move(files), options);
}

}  // namespace

std::unique_ptr<const Dataset> open_image_folder(const std::string& directory, const DataOptions& options) {
  if (!options.has("label")) return open_pictures(directory, options);
  const Field& label = options.field("label");
  const Listing top = listing_of(directory);
  const std::vector<std::string> names =
      class_names_of(top.directories, options, label.classes, directory, "folder");
  const std::vector<int32_t> label_of_folder = labels_of(top.directories, names);
  Search search(directory);
  search.pass_over(top.files);
  std::vector<int32_t> labels;
  std::vector<std::string> empty;
  for (size_t i = 0; i < top.directories.size(); ++i) {
    search.add(top.directories[i]);
    if (static_cast<size_t>(search.count()) == labels.size()) empty.push_back(top.directories[i]);
    labels.resize(static_cast<size_t>(search.count()), label_of_folder[i]);
  }
  if (labels.empty()) throw Error(fmt::format("{} has no images: no <class>/{}", directory, image_names()));
  ImageFiles files{.directory = directory,
                   .description = fmt::format("images in {} folders", top.directories.size()),
                   .pictures = {options.field("image")},
                   .class_names = names};
  if (std::string note = search.note(); !note.empty()) files.notes.push_back(std::move(note));
  if (!empty.empty())
    files.notes.push_back(fmt::format("{}: there are no images in {}", directory, fmt::join(empty, ", ")));
  files.paths = search.take_paths();
  const auto count = static_cast<int64_t>(labels.size());
  files.columns.emplace_back(label.name, Array::of<int32_t>(DType::i32, {count}, labels));
  return open_image_files(std::move(files), options);
}

bool has_images(const std::string& directory) {
  std::error_code error;
  for (fs::directory_iterator file(directory, error), end; !error && file != end; file.increment(error))
    if (is_image_name(file->path().filename().string())) return true;
  return false;
}

bool has_class_folders(const std::string& directory) {
  std::error_code error, inner, ignored;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (!it->is_directory(ignored) || it->path().filename().string().starts_with('.')) continue;
    for (fs::directory_iterator file(it->path(), inner), last; !inner && file != last; file.increment(inner))
      if (is_image_name(file->path().filename().string())) return true;
  }
  return false;
}

}  // namespace rnrun
