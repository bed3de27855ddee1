#include "runtime/data/readers/cifar.h"

#include <fmt/format.h>

#include "runtime/data/array_dataset.h"
#include "runtime/support/error.h"
#include "runtime/support/file.h"

namespace rnrun {

std::unique_ptr<const Dataset> read_cifar(const std::vector<std::string>& paths, Cifar kind,
                                          const DataOptions& options) {
  constexpr ImageShape kShape{3, 32, 32};
  const size_t label_bytes = kind == Cifar::ten ? 1 : 2;
  const size_t record = label_bytes + static_cast<size_t>(kShape.bytes());
  AlignedBytes pixels;
  std::vector<int32_t> labels;
  for (const std::string& path : paths) {
    const AlignedBytes file = read_file(path);
    if (file.empty() || file.size() % record != 0)
      throw Error(fmt::format("{}: {} bytes; a CIFAR-{} file is made of records of {}", path, file.size(),
                              kind == Cifar::ten ? 10 : 100, record));
    const size_t first = labels.size();
    for (size_t at = 0; at < file.size(); at += record) {
      const auto begin = file.begin() + static_cast<std::ptrdiff_t>(at + label_bytes);
      labels.push_back(static_cast<int32_t>(begin[-1]));
      pixels.insert(pixels.end(), begin, begin + kShape.bytes());
    }
    place_labels(options.field("label"), std::span(labels).subspan(first), options, path);
  }
  const auto count = static_cast<int64_t>(labels.size());
  return std::make_unique<ArrayDataset>(ArrayDataset::Columns{
      {"image", {DType::u8, {count, kShape.channels, kShape.height, kShape.width}, std::move(pixels)}},
      {"label", Array::of<int32_t>(DType::i32, {count}, labels)}});
}

}  // namespace rnrun
