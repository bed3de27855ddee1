#include "tests/support/golden.h"

#include <algorithm>
#include <filesystem>

#include "ir/text/text.h"
#include "runtime/support/safetensors.h"

namespace rnc::test {
namespace {

const std::filesystem::path kRoot = std::filesystem::path(RNC_SOURCE_DIR) / "tests" / "golden";

template <class T>
std::vector<double> doubles(const rnrun::Array& array) {
  return {array.as<T>().begin(), array.as<T>().end()};
}

}  // namespace

Tensors load_tensors(const std::string& path) {
  Tensors tensors;
  for (const auto& [name, array] : rnrun::read_safetensors(path).tensors) {
    TensorData& data = tensors[name];
    data.shape = array.shape;
    switch (array.dtype) {
      case rnrun::DType::f32:
        data.values = doubles<float>(array);
        break;
      case rnrun::DType::u8:
        data.values = doubles<uint8_t>(array);
        break;
      case rnrun::DType::i32:
        data.values = doubles<int32_t>(array);
        break;
      default:
        unreachable("element type of a golden file");
    }
  }
  return tensors;
}

std::vector<std::string> golden_cases() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot)) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

Golden load_golden(const std::string& name) {
  const std::filesystem::path directory = kRoot / name;
  const auto tensors = [&](const char* file) {
    return load_tensors(directory / (file + std::string(".safetensors")));
  };
  Golden golden{.directory = directory,
                .module = parse(read_source(directory / "model.graph")),
                .inputs = tensors("in"),
                .parameters = tensors("params"),
                .loss = tensors("loss"),
                .backward = tensors("backward"),
                .train_step = tensors("train_step")};
  golden.batch = golden.inputs.at("label").shape[0];
  return golden;
}

}  // namespace rnc::test
