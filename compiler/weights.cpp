#include "compiler/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "compiler/output.h"

namespace rnc {
namespace {

bool is_weight(const Tensor& tensor) {
  return tensor.kind == TensorKind::parameter || tensor.kind == TensorKind::buffer;
}

// Whether a name is that of a weight with something before it, as those of slots and averages are.
bool belongs_to_training(const Module& module, const std::string& name) {
  for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const Tensor* tensor = module.find_tensor(name.substr(dot + 1));
    if (tensor != nullptr && is_weight(*tensor)) return true;
  }
  return name.ends_with(".num_batches_tracked");
}

// The value of a weight: its moving average where a checkpoint has one. Null if there is none.
const contract::TensorView* value_of(const contract::Safetensors& file, const std::string& name) {
  auto found = file.tensors.end();
  if (contract::is_checkpoint(file.metadata)) found = file.tensors.find("ema." + name);
  if (found == file.tensors.end()) found = file.tensors.find(name);
  return found == file.tensors.end() ? nullptr : &found->second;
}

TensorData converted(const contract::TensorView& value, const std::string& name, const std::string& path) {
  try {
    const std::vector<float> elements = contract::to_f32(value, name);
    return {value.shape, {elements.begin(), elements.end()}};
  } catch (const contract::FormatError& error) {
    throw UserError({}, fmt::format("{}: {}", path, error.what()));
  }
}

}  // namespace

Weights read_weights(const std::string& path) {
  Weights weights{path, std::make_shared<const std::string>(read_file(path)), {}, {}};
  try {
    weights.file = contract::parse_safetensors(std::as_bytes(std::span(*weights.bytes)));
    weights.classes = contract::class_names(weights.file.metadata);
  } catch (const contract::FormatError& error) {
    throw UserError({}, fmt::format("{}: {}", path, error.what()));
  }
  return weights;
}

FittingWeights fitting_weights(const Module& module, const Weights& weights) {
  FittingWeights result;
  result.classes = weights.classes;
  std::vector<std::string> problems;
  for (const Tensor& tensor : module.tensors) {
    if (!is_weight(tensor)) continue;
    const contract::TensorView* given = value_of(weights.file, tensor.name);
    if (given == nullptr) {
      problems.push_back(fmt::format("'{}' is missing", tensor.name));
      continue;
    }
    const contract::TensorView& value = *given;
    if (value.shape != tensor.type.shape) {
      problems.push_back(
          fmt::format("'{}' is {}, the model has {}", tensor.name, str(value.shape), str(tensor.type.shape)));
    } else if (!contract::converts_to_f32(value.dtype)) {
      problems.push_back(
          fmt::format("'{}' is {}, which is not converted to f32", tensor.name, contract::name(value.dtype)));
    } else {
      result.tensors[tensor.name] = converted(value, tensor.name, weights.path);
      if (value.dtype != contract::DType::f32) ++result.converted[value.dtype];
    }
  }
  for (const auto& [name, value] : weights.file.tensors) {
    if (module.find_tensor(name) == nullptr && !belongs_to_training(module, name))
      problems.push_back(fmt::format("'{}' is not of this model", name));
  }
  if (problems.empty()) return result;
  constexpr size_t kShown = 5;
  const size_t more = problems.size() - std::min(problems.size(), kShown);
  problems.resize(problems.size() - more);
  throw UserError(
      {}, fmt::format("{} does not fit the model {}: {}{}", weights.path, module.name,
                      fmt::join(problems, "; "), more == 0 ? "" : fmt::format("; and {} more", more)));
}

Tensors own_weights(const Module& module, const TensorValues& values) {
  Tensors weights;
  for (const Tensor& tensor : module.tensors) {
    const auto value = values.find(tensor.name);
    if (value != values.end())
      weights[tensor.name] = {tensor.type.shape, {value->second->begin(), value->second->end()}};
    else if (tensor.kind == TensorKind::parameter || tensor.kind == TensorKind::buffer)
      throw UserError({}, fmt::format("the model {} comes without values of its weights; --weights FILE "
                                      "gives them, a checkpoint or state_dict "
                                      "as safetensors",
                                      module.name));
  }
  return weights;
}

std::string weights_file(const Module& module, const TensorValues& values) {
  if (values.empty())
    throw UserError({}, fmt::format("the model {} comes without values of its weights", module.name));
  contract::Safetensors content{{{"format", "pt"}}, {}};
  for (const auto& [name, elements] : values)
    content.tensors[name] = {contract::DType::f32, module.find_tensor(name)->type.shape,
                             std::as_bytes(std::span(*elements))};
  const contract::SafetensorsImage image(content);
  std::string bytes;
  for (const std::span<const std::byte> part : image.parts())
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  return bytes;
}

}  // namespace rnc
