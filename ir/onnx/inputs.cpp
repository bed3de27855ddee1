#include "ir/onnx/inputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace rnc::onnx {
namespace {

using proto::TensorProto;
using proto::TensorShapeProto;

// Real numbers of other types are taken as f32.
DType element_type(const std::string& file, const std::string& name, int32_t type) {
  switch (type) {
    case TensorProto::FLOAT:
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
    case TensorProto::DOUBLE:
      return DType::f32;
    case TensorProto::UINT8:
      return DType::u8;
    case TensorProto::INT32:
      return DType::i32;
    default:
      throw UserError(
          {}, fmt::format("{}: input '{}' has elements of type {}; real numbers, uint8 and int32 are read",
                          file, name,
                          TensorProto::DataType_IsValid(type)
                              ? TensorProto::DataType_Name(static_cast<TensorProto::DataType>(type))
                              : std::to_string(type)));
  }
}

std::string name_of(const TensorShapeProto::Dimension& size) {
  return size.has_dim_value()       ? std::to_string(size.dim_value())
         : size.dim_param().empty() ? "?"
                                    : size.dim_param();
}

// The size, from the file or the command line; 0 where it is open.
int64_t given_size(const TensorShapeProto::Dimension& size, const std::map<std::string, std::string>& set) {
  if (size.has_dim_value()) return size.dim_value();
  const auto found = set.find(size.dim_param());
  if (found == set.end()) return 0;
  int64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1)
    throw UserError({}, fmt::format("--set {}={}: a size must be a positive integer", found->first, text));
  return value;
}

[[noreturn]] void refuse_open(const std::string& file, const std::string& name, const TensorShapeProto& shape,
                              const TensorShapeProto::Dimension& open) {
  std::vector<std::string> sizes;
  for (const auto& size : shape.dim()) sizes.push_back(name_of(size));
  throw UserError(
      {}, fmt::format("{}: input '{}' is [{}]: only the first size, the batch, may be open; {}", file, name,
                      fmt::join(sizes, ", "),
                      open.dim_param().empty()
                          ? "export the model with its sizes"
                          : fmt::format("say the others with --set {}=NUMBER", open.dim_param())));
}

}  // namespace

std::vector<ModelInput> ModelInputs::batched() const {
  std::vector<ModelInput> result = inputs;
  for (ModelInput& input : result)
    if (!input.type.shape.empty()) input.type.shape[0] = kBatch;
  return result;
}

ModelInputs read_inputs(const proto::GraphProto& graph, const std::set<std::string>& initializers,
                        const std::map<std::string, std::string>& set, const std::string& file) {
  ModelInputs result;
  std::set<int64_t> batches;
  std::set<std::string> names;
  for (const proto::ValueInfoProto& value : graph.input()) {
    if (initializers.contains(value.name())) continue;
    if (value.name().empty() || !names.insert(value.name()).second)
      throw UserError({},
                      fmt::format("{}: two inputs are called '{}', or one has no name", file, value.name()));
    if (!value.type().has_tensor_type() || !value.type().tensor_type().has_shape())
      throw UserError({}, fmt::format("{}: input '{}' is no tensor with a shape", file, value.name()));
    const auto& tensor = value.type().tensor_type();
    ModelInput input{value.name(), {element_type(file, value.name(), tensor.elem_type()), {}, {}}};
    for (int d = 0; d < tensor.shape().dim_size(); ++d) {
      const int64_t size = given_size(tensor.shape().dim(d), set);
      if (d == 0) batches.insert(size);
      if (d > 0 && size == 0) refuse_open(file, value.name(), tensor.shape(), tensor.shape().dim(d));
      input.type.shape.push_back(size == 0 ? kBatch : size);
    }
    result.inputs.push_back(std::move(input));
  }
  if (batches.size() > 1 && batches.contains(0))
    throw UserError(
        {}, fmt::format("{}: the first size of one input is open, of another {}", file, *batches.rbegin()));
  if (batches.size() == 1) result.exported_batch = *batches.begin();
  return result;
}

}  // namespace rnc::onnx
