#include "runtime/data/files/named_images.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "runtime/data/decode/decode.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// Adds the images below `directory`, unless it is one of those in `seen`: links may lead anywhere.
void walk(const fs::path& directory, std::set<fs::path>& seen, std::vector<std::string>& files) {
  std::error_code error;
  if (!seen.insert(fs::canonical(directory, error)).second) return;
  std::vector<fs::path> paths;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    if (!it->path().filename().string().starts_with('.')) paths.push_back(it->path());
  if (error)
    throw Error(fmt::format("cannot read the directory {}: {}", directory.string(), error.message()));
  std::ranges::sort(paths);
  for (const fs::path& path : paths) {
    if (is_folder(path))
      walk(path, seen, files);
    else if (is_image_name(path.string()))
      files.push_back(path.string());
  }
}

void add_directory(const fs::path& directory, std::vector<std::string>& files) {
  const size_t before = files.size();
  std::set<fs::path> seen;
  walk(directory, seen, files);
  if (files.size() == before)
    throw Error(fmt::format("{} has no images: no {} in it", directory.string(), image_names()));
  std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
}

void add_path(const std::string& path, std::vector<std::string>& files) {
  if (is_folder(path))
    add_directory(path, files);
  else
    files.push_back(path);
}

void add_list(std::istream& list, const std::string& name, std::vector<std::string>& files) {
  const size_t before = files.size();
  for (std::string line; std::getline(list, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) add_path(line, files);
  }
  if (files.size() == before) throw Error(fmt::format("{} names no images", name));
}

void add_pattern(const std::string& pattern, std::vector<std::string>& files) {
  glob_t found{};
  const int status = glob(pattern.c_str(), 0, nullptr, &found);
  const std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + (status == 0 ? found.gl_pathc : 0));
  globfree(&found);
  if (paths.empty())
    throw Error(fmt::format("there is no file {}, and none that the pattern matches", pattern));
  for (const std::string& path : paths) add_path(path, files);
}

}  // namespace

std::vector<std::string> image_files(const std::vector<std::string>& names, std::istream& input) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    std::error_code ignored;
    if (name == "-") {
      add_list(input, "standard input", files);
    } else if (fs::exists(name, ignored)) {
      add_path(name, files);
    } else if (name.starts_with('@')) {
      const AlignedBytes bytes = read_file(name.substr(1));
      std::istringstream list(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
      add_list(list, name.substr(1), files);
    } else if (name.find_first_of("*?[") != std::string::npos) {
      add_pattern(name, files);
    } else {
      files.push_back(name);
    }
  }
  return files;
}

}  // namespace rnrun
