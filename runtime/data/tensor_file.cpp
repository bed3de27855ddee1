#include "runtime/data/tensor_file.h"

#include <fmt/format.h>

#include <limits>

#include "runtime/data/array_dataset.h"
#include "runtime/support/error.h"
#include "runtime/support/safetensors.h"

namespace rnrun {

std::unique_ptr<const Dataset> read_tensor_file(const std::string& path, int64_t classes) {
  TensorFile file = read_safetensors(path);
  const auto find = [&](const char* name, const char* type) -> Array& {
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end()) throw Error(fmt::format("{}: no tensor '{}', {}", path, name, type));
    return found->second;
  };
  Array& image = find("image", "u8[M, C, H, W]");
  const Array& label = find("label", "i32[M]");
  const std::vector<int64_t>& s = image.shape;
  if (image.dtype != DType::u8 || s.size() != 4 || image.data.empty())
    throw Error(fmt::format("{}: tensor 'image' is {}, not u8[M, C, H, W]", path, type_text(image)));
  if (label.dtype != DType::i32 || label.shape != std::vector<int64_t>{s[0]})
    throw Error(fmt::format("{}: tensor 'label' is {}, not i32[{}]", path, type_text(label), s[0]));
  if (s[0] > std::numeric_limits<uint32_t>::max())
    throw Error(fmt::format("{}: {} images, more than 2^32", path, s[0]));
  const auto labels = label.as<int32_t>();
  check_labels(labels, classes, path);
  return std::make_unique<ArrayDataset>(ImageShape{s[1], s[2], s[3]}, std::move(image.data),
                                        std::vector<int32_t>(labels.begin(), labels.end()));
}

}  // namespace rnrun
