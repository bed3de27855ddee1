// Constants from safetensors files.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "ir/text/value.h"
#include "runtime/contract/safetensors.h"

namespace rnc::text {
namespace {

constexpr uintmax_t kMostBytes = 1 << 30;
constexpr size_t kMostElements = 1 << 20;  // a list of them stands in every dump

std::string argument_text(const Arguments& arguments, size_t i) {
  const auto* text = arguments[i].value.get<std::string>();
  if (text == nullptr)
    mismatch(arguments[i].value, arguments[i].syntax->location, "read_tensor: an argument", "a string");
  return *text;
}

List elements(const contract::TensorView& tensor, const std::string& name, const SourceLocation& at) {
  if (!contract::converts_to_f32(tensor.dtype))
    throw UserError(
        at, fmt::format("read_tensor: {} is {}, which is not read", name, contract::name(tensor.dtype)));
  const std::vector<float> values = contract::to_f32(tensor, name);
  if (values.size() > kMostElements)
    throw UserError(at, fmt::format("read_tensor: {} has {} elements, more than {}: make it a parameter",
                                    name, values.size(), kMostElements));
  List list;
  for (const float value : values) list.push_back({static_cast<double>(value)});
  return list;
}

}  // namespace

Value read_tensor(const Expr& call, const Arguments& arguments) {
  if (arguments.size() != 2 || positional_count(arguments) != 2)
    throw UserError(call.location, "read_tensor: takes the name of a safetensors file and of a tensor in it");
  const std::string file = argument_text(arguments, 0), name = argument_text(arguments, 1);
  const std::filesystem::path beside = std::filesystem::path(call.location.file->name).parent_path();
  const std::string path = (beside / file).string();
  const SourceLocation& at = arguments[0].syntax->location;
  std::error_code error;
  const bool is_file = std::filesystem::is_regular_file(path, error);
  if (!is_file) throw UserError(at, fmt::format("read_tensor: cannot read {}", path));
  if (std::filesystem::file_size(path, error) > kMostBytes)
    throw UserError(at, fmt::format("read_tensor: {} is larger than 1 GiB", path));
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw UserError(at, fmt::format("read_tensor: cannot read {}", path));
  try {
    const contract::Safetensors content = contract::parse_safetensors(std::as_bytes(std::span(bytes)));
    const auto found = content.tensors.find(name);
    if (found == content.tensors.end())
      throw UserError(arguments[1].syntax->location,
                      fmt::format("read_tensor: {} has no tensor {}", path, name));
    return {std::make_shared<const List>(elements(found->second, name, at))};
  } catch (const contract::FormatError& error) {
    throw UserError(at, fmt::format("read_tensor: {}: {}", path, error.what()));
  }
}

}  // namespace rnc::text
