#include "runtime/train/weights/weights_index.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

namespace {

using nlohmann::json;

constexpr size_t kLargest = size_t{16} << 20;  // room for 100,000 tensors
constexpr int kDeepest = 8;

json parse(const std::string& path) {
  const AlignedBytes bytes = read_file(path);
  const auto fail = [&](std::string_view what) { throw Error(fmt::format("{}: {}", path, what)); };
  if (bytes.size() > kLargest)
    fail(fmt::format("an index of {} bytes; at most {} are read", bytes.size(), kLargest));
  const auto watch = [&](int depth, json::parse_event_t, json&) {
    if (depth > kDeepest) fail("not an index of weights: it is nested too deeply");
    return true;
  };
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  return json::parse(text, text + bytes.size(), watch, false);
}

}  // namespace

WeightsIndex read_weights_index(const std::string& path) {
  const json content = parse(path);
  const auto map = content.is_object() ? content.find("weight_map") : content.end();
  if (map == content.end() || !map->is_object() || map->empty())
    throw Error(
        fmt::format("{}: not an index of weights: it has no \"weight_map\" from tensors to files", path));
  WeightsIndex index;
  for (const auto& [name, file] : map->items()) {
    const std::string text = file.is_string() ? file.get<std::string>() : "";
    if (text.empty() || text == "." || text == ".." || text.find('/') != std::string::npos ||
        text.find('\0') != std::string::npos)
      throw Error(fmt::format("{}: the tensor '{}' is in {}, which is no file beside the index", path, name,
                              file.dump(-1, ' ', false, json::error_handler_t::replace)));
    index.tensors.insert(name);
    index.files.insert(text);
  }
  return index;
}

}  // namespace rnrun
