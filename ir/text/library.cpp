#include "ir/text/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "ir/text/parser.h"
#include "ir/text/text.h"

namespace rnc::text {
namespace {

constexpr size_t kMaxFiles = 64;

class Loader {
 public:
  Loader(const std::vector<std::string>& include_paths, Errors& errors)
      : include_paths_(include_paths), errors_(errors) {}

  Library load(const std::shared_ptr<const SourceFile>& source) {
    load_file(source, source->name);
    if (!intact_ || (!library_.model && errors_.count() > 0)) throw Stop{};
    if (!library_.model) throw UserError({source, 1, 1}, "the file defines no model");
    library_.standard = standard_blocks();
    return std::move(library_);
  }

 private:
  void load_file(const std::shared_ptr<const SourceFile>& source, const std::filesystem::path& path) {
    const File file = parse_file(source, errors_);
    intact_ &= file.intact;
    open_.push_back(identity(path));
    loaded_.insert(open_.back());
    for (const Item& item : file.items) {
      try {
        add(item, path);
      } catch (const UserError& error) {
        errors_.add(error.diagnostic());
        intact_ &= item.kind != Item::Kind::include;
      }
    }
    open_.pop_back();
  }

  // The file itself, however it is spelt.
  static std::string identity(const std::filesystem::path& path) {
    std::error_code ignored;
    const auto canonical = std::filesystem::weakly_canonical(path, ignored);
    return ignored ? path.string() : canonical.string();
  }

  void add(const Item& item, const std::filesystem::path& path) {
    if (item.kind == Item::Kind::include) {
      include(item, path);
      return;
    }
    const bool is_model = item.kind == Item::Kind::model;
    if (is_model && open_.size() > 1)
      throw UserError(item.location, "an included file cannot define a model");
    if (is_model && library_.model) {
      throw UserError(Diagnostic{item.location,
                                 "a file can define only one model",
                                 {{library_.model->location, "the first is here", {}}}});
    }
    const auto [known, is_new] = defined_.emplace(item.name, item.location);
    if (!is_new) {
      throw UserError(Diagnostic{item.location,
                                 fmt::format("{} is already defined", item.name),
                                 {{known->second, "first defined here", {}}}});
    }
    if (is_model) {
      library_.model = item.definition;
    } else if (item.kind == Item::Kind::block) {
      library_.blocks.emplace(item.name, item.definition);
    } else {
      library_.constants.push_back(item);
    }
  }

  void include(const Item& item, const std::filesystem::path& path) {
    const std::filesystem::path target = found(item.name, path);
    if (target.empty()) return;
    const std::string target_identity = identity(target);
    if (std::find(open_.begin(), open_.end(), target_identity) != open_.end()) {
      throw UserError(item.location, fmt::format("'{}' includes itself", item.name));
    }
    if (loaded_.count(target_identity) > 0) return;
    if (loaded_.size() >= kMaxFiles) {
      throw UserError(item.location, fmt::format("more than {} files are included", kMaxFiles));
    }
    load_file(read_source(target.string(), item.location), target);
  }

  // The file that is meant; none where it is std.graph, which is there without being read.
  std::filesystem::path found(const std::string& name, const std::filesystem::path& from) const {
    std::error_code ignored;
    const std::filesystem::path beside = from.parent_path() / name;
    if (std::filesystem::exists(beside, ignored)) return beside;
    for (const std::string& directory : include_paths_) {
      const std::filesystem::path target = std::filesystem::path(directory) / name;
      if (std::filesystem::exists(target, ignored)) return target;
    }
    return name == kStandardFile ? std::filesystem::path() : beside;
  }

  const std::vector<std::string>& include_paths_;
  Errors& errors_;
  bool intact_ = true;
  Library library_;
  std::vector<std::string> open_;  // the chain of includes that leads to the current file
  std::set<std::string> loaded_;
  std::map<std::string, SourceLocation> defined_;
};

}  // namespace

const Definition* Library::find_block(std::string_view name) const {
  if (const auto own = blocks.find(name); own != blocks.end()) return own->second.get();
  const auto block = standard.find(name);
  return block != standard.end() ? block->second.get() : nullptr;
}

std::map<std::string, std::shared_ptr<const Definition>, std::less<>> standard_blocks() {
  Errors errors;
  const auto source = std::make_shared<const SourceFile>(
      SourceFile{std::string(kStandardFile), std::string(standard_text())});
  const File file = parse_file(source, errors);
  check(file.intact && errors.count() == 0, "std.graph is right");
  std::map<std::string, std::shared_ptr<const Definition>, std::less<>> blocks;
  for (const Item& item : file.items) blocks.emplace(item.name, item.definition);
  return blocks;
}

Library load_library(const std::shared_ptr<const SourceFile>& source,
                     const std::vector<std::string>& include_paths, Errors& errors) {
  return Loader(include_paths, errors).load(source);
}

}  // namespace rnc::text
