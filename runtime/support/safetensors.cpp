#include "runtime/support/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

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

void write_safetensors(const std::string& path, const TensorFile& content) {
  // Wide elements first keeps every tensor aligned to its element size.
  std::vector<const Arrays::value_type*> order;
  for (const auto& item : content.tensors) order.push_back(&item);
  std::ranges::stable_sort(order, std::greater<>{},
                           [](const auto* item) { return bytes(item->second.dtype); });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  header["__metadata__"] = contract::with_checksum_place(content.metadata);
  std::vector<std::span<const std::byte>> parts(2);
  size_t offset = 0;
  for (const auto* item : order) {
    const auto& [name, array] = *item;
    const size_t end = offset + array.data.size();
    header[name] = {
        {"dtype", safetensors_name(array.dtype)}, {"shape", array.shape}, {"data_offsets", {offset, end}}};
    parts.emplace_back(array.data);
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::array<std::byte, 8> length{};
  for (size_t i = 0; i < 8; ++i) length[i] = static_cast<std::byte>(text.size() >> (8 * i) & 0xff);
  parts[0] = length;
  parts[1] = std::as_bytes(std::span(text));
  contract::write_checksum(text, parts);
  replace_file(path, parts);
}

}  // namespace rnrun
