#include "runtime/data/readers/tensor_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/data/array_dataset.h"
#include "runtime/support/error.h"
#include "runtime/support/safetensors.h"

namespace rnrun {

namespace {

// The tensor of a field, of so many samples; -1: of any number. Pictures of bytes may have any size.
Array take(TensorFile& file, const Field& field, int64_t count, const std::string& path) {
  const bool picture = field.is_picture() && field.dtype == DType::u8;
  std::string wanted = picture ? "u8[M, C, H, W]" : std::string(contract::name(field.dtype)) + "[M";
  if (!picture) {
    for (const int64_t dim : field.shape) wanted += fmt::format(", {}", dim);
    wanted += "]";
  }
  const auto found = file.tensors.find(field.name);
  if (found == file.tensors.end())
    throw Error(fmt::format("{}: no tensor '{}', {}", path, field.name, wanted));
  Array& array = found->second;
  const bool batched = array.shape.size() == field.shape.size() + 1;
  const bool bytes = field.is_picture() && array.dtype == DType::u8;
  const bool exact = array.dtype == field.dtype && batched &&
                     std::equal(field.shape.begin(), field.shape.end(), array.shape.begin() + 1);
  const bool fits = batched && (bytes || exact);
  if (count >= 0 && !picture) wanted.replace(wanted.find('M'), 1, fmt::format("{}", count));
  if (!fits || array.data.empty() || (count >= 0 && array.shape.front() != count))
    throw Error(fmt::format("{}: tensor '{}' is {}, not {}", path, field.name, type_text(array), wanted));
  return std::move(array);
}

void check_finite(const Field& field, const Array& array, const std::string& path) {
  const auto values = array.as<float>();
  const auto wrong = std::ranges::find_if(values, [](float v) { return !std::isfinite(v); });
  if (wrong != values.end())
    throw Error(fmt::format("{}: {} of image {} has the value {}", path, field.name,
                            (wrong - values.begin()) / std::max<int64_t>(field.elements(), 1), *wrong));
}

}  // namespace

std::unique_ptr<const Dataset> read_tensor_file(const std::string& path, const DataOptions& options) {
  TensorFile file = read_safetensors(path);
  for (const Field& field : options.fields)
    if (!file.tensors.contains(field.name)) take(file, field, -1, path);
  ArrayDataset::Columns columns;
  int64_t count = -1;
  for (const Field& field : options.fields) {
    Array array = take(file, field, count, path);
    if (field.dtype == DType::i32) place_labels(field, array.as<int32_t>(), options, path);
    if (array.dtype == DType::f32) check_finite(field, array, path);
    count = array.shape.front();
    columns.emplace_back(field.name, std::move(array));
  }
  if (count > std::numeric_limits<uint32_t>::max())
    throw Error(fmt::format("{}: {} images, more than 2^32", path, count));
  return std::make_unique<ArrayDataset>(std::move(columns));
}

}  // namespace rnrun
