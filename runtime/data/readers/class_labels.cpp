#include "runtime/data/readers/class_labels.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/support/error.h"

namespace rnrun {

namespace {

constexpr size_t kShown = 20;  // names in a message

// Names go into checkpoints and reports, which are JSON.
bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

void check_utf8(const std::vector<std::string>& names, const std::string& where) {
  for (const std::string& name : names)
    if (!is_utf8(name)) throw Error(fmt::format("{}/{}: the name of a class must be UTF-8", where, name));
}

std::string list(const std::vector<std::string>& names) {
  const auto shown = static_cast<std::ptrdiff_t>(std::min(names.size(), kShown));
  return fmt::format("{}{}", fmt::join(names.begin(), names.begin() + shown, ", "),
                     names.size() > kShown ? fmt::format(", ... ({} in all)", names.size()) : "");
}

}  // namespace

std::vector<std::string> class_names_of(const std::vector<std::string>& found, const DataOptions& options,
                                        int64_t classes, const std::string& where, const std::string& what) {
  const std::set<std::string> known(options.class_names.begin(), options.class_names.end());
  std::vector<std::string> others;
  for (const std::string& name : found)
    if (!known.contains(name)) others.push_back(name);
  if (others.empty()) return options.class_names;
  check_utf8(others, where);
  if (classes == 0) {
    std::vector<std::string> all = options.class_names;
    all.insert(all.end(), others.begin(), others.end());
    return all;
  }
  if (others.size() < found.size() || options.names_fixed)
    throw Error(fmt::format("{}: the {}{} {} {} not called like any class of {}, which are {}", where, what,
                            others.size() == 1 ? "" : "s", list(others), others.size() == 1 ? "is" : "are",
                            options.named_by, list(options.class_names)));
  if (static_cast<int64_t>(found.size()) != classes)
    throw Error(fmt::format(
        "{} has {} {}s of images, the model has {} classes; compile it with rnc --set classes={}, "
        "or change the number in its text",
        where, found.size(), what, classes, found.size()));
  return found;
}

std::vector<int32_t> labels_of(const std::vector<std::string>& found, const std::vector<std::string>& names) {
  std::map<std::string_view, int32_t> places;
  for (size_t i = 0; i < names.size(); ++i) places.emplace(names[i], static_cast<int32_t>(i));
  std::vector<int32_t> labels;
  for (const std::string& name : found) labels.push_back(places.at(name));
  return labels;
}

}  // namespace rnrun
