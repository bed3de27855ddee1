#include "runtime/data/array_dataset.h"

#include <fmt/format.h>

namespace rnrun {

std::string ArrayDataset::description() const {
  for (const auto& [name, array] : columns_)
    if (array.dtype == DType::u8 && array.shape.size() == 4)
      return "images of " + str({array.shape[1], array.shape[2], array.shape[3]});
  return "samples";
}

std::vector<std::string> ArrayDataset::fields() const {
  std::vector<std::string> names;
  for (const auto& [name, array] : columns_) names.push_back(name);
  return names;
}

void ArrayDataset::read(int64_t index, Sample& sample) const {
  sample.resize(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Array& array = columns_[i].second;
    const auto bytes = static_cast<int64_t>(array.data.size()) / array.shape.front();
    const auto* begin = reinterpret_cast<const uint8_t*>(array.data.data()) + index * bytes;
    sample[i].dtype = array.dtype;
    sample[i].shape.assign(array.shape.begin() + 1, array.shape.end());
    sample[i].bytes.assign(begin, begin + bytes);
  }
}

std::vector<int32_t> ArrayDataset::strata() const {
  for (const auto& [name, array] : columns_) {
    const auto values = array.as<int32_t>();
    if (array.dtype == DType::i32 && array.shape.size() == 1) return {values.begin(), values.end()};
  }
  return {};
}

}  // namespace rnrun
