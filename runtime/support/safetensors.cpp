#include "runtime/support/safetensors.h"

#include <fmt/format.h>

#include "runtime/contract/safetensors.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

TensorFile parse_safetensors(std::span<const std::byte> bytes, std::string_view path) {
  try {
    contract::Safetensors parsed = contract::parse_safetensors(bytes);
    TensorFile file{std::move(parsed.metadata), {}};
    for (const auto& [name, tensor] : parsed.tensors)
      file.tensors[name] = Array{tensor.dtype, tensor.shape, {tensor.data.begin(), tensor.data.end()}};
    return file;
  } catch (const contract::FormatError& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
}

TensorFile read_safetensors(const std::string& path) { return parse_safetensors(read_file(path), path); }

namespace {

contract::Safetensors view_of(const TensorFile& content) {
  contract::Safetensors file{content.metadata, {}};
  for (const auto& [name, array] : content.tensors)
    file.tensors[name] = {array.dtype, array.shape, array.data};
  return file;
}

}  // namespace

void write_safetensors(const std::string& path, const TensorFile& content) {
  replace_file(path, contract::SafetensorsImage(view_of(content)).parts());
}

std::string safetensors_bytes(const TensorFile& content) {
  const contract::SafetensorsImage image(view_of(content));
  std::string bytes;
  for (const auto part : image.parts()) bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  return bytes;
}

}  // namespace rnrun
