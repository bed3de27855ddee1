#include "ir/onnx/external_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "ir/graph/diagnostics.h"

namespace rnc::onnx {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const proto::TensorProto& tensor, const std::string& why) {
  throw UserError({}, fmt::format("the data of tensor '{}': {}", tensor.name(), why));
}

int64_t number(const proto::TensorProto& tensor, const std::string& key, int64_t otherwise) {
  for (const proto::StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() != key) continue;
    const std::string& text = entry.value();
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0)
      fail(tensor, fmt::format("{} is '{}', which is no number of bytes", key, text));
    return value;
  }
  return otherwise;
}

// The file that the tensor names, if it lies in the directory.
fs::path file_of(const proto::TensorProto& tensor, const std::string& directory) {
  std::string location;
  for (const proto::StringStringEntryProto& entry : tensor.external_data())
    if (entry.key() == "location") location = entry.value();
  const fs::path given(location);
  if (location.empty() || location.find('\0') != std::string::npos) fail(tensor, "they name no file");
  if (given.is_absolute() || std::ranges::find(given, "..") != given.end())
    fail(tensor, fmt::format("'{}' is not a path inside the model's directory", location));
  std::error_code error;
  const fs::path root = fs::canonical(directory.empty() ? "." : directory, error);
  const fs::path path = fs::canonical(root / given, error);
  if (error) fail(tensor, fmt::format("cannot find '{}' beside the model", location));
  const auto [inside, rest] = std::ranges::mismatch(root, path);
  if (inside != root.end()) fail(tensor, fmt::format("'{}' leads out of the model's directory", location));
  if (!fs::is_regular_file(path, error)) fail(tensor, fmt::format("'{}' is not a regular file", location));
  return path;
}

}  // namespace

std::string read_external_data(const proto::TensorProto& tensor, const std::string& directory,
                               int64_t bytes) {
  const fs::path path = file_of(tensor, directory);
  const int64_t offset = number(tensor, "offset", 0), length = number(tensor, "length", bytes);
  if (length != bytes)
    fail(tensor, fmt::format("they are {} bytes long, and its shape takes {}", length, bytes));
  std::error_code error;
  const auto size = static_cast<int64_t>(fs::file_size(path, error));
  if (error || offset > size || bytes > size - offset)
    fail(tensor, fmt::format("bytes {} to {} + {} of {}, which has {}", offset, offset, bytes,
                             path.filename().string(), size));
  std::ifstream file(path, std::ios::binary);
  std::string data(static_cast<size_t>(bytes), '\0');
  file.seekg(offset);
  file.read(data.data(), bytes);
  if (!file) fail(tensor, fmt::format("cannot read {}", path.string()));
  return data;
}

}  // namespace rnc::onnx
