// Elements put into places of known tensors: masks, which exporters write as assignments to slices.
#include <fmt/format.h>

#include <algorithm>

#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"

namespace rnc::onnx {
namespace {

Values only_known(Call& call) { call.refuse("of what depends on the inputs of the model"); }

// Where the block begins that an index of the first dimensions stands for, of `block` elements.
int64_t place_of(const Call& call, const Constant& indices, int64_t first, int64_t depth,
                 const std::vector<int64_t>& shape, int64_t block) {
  int64_t place = 0;
  for (int64_t d = 0; d < depth; ++d) {
    const Size index = indices.whole[static_cast<size_t>(first + d)];
    const int64_t size = shape[static_cast<size_t>(d)],
                  at = index.number < 0 ? index.number + size : index.number;
    if (!index.fixed() || at < 0 || at >= size)
      call.refuse(fmt::format("index {} of {}", index.number, size));
    place = place * size + at;
  }
  return place * block;
}

Folded fold_scatter(const Call& call) {
  Constant data = *call.constant(0);
  const Constant &indices = *call.constant(1), &updates = *call.constant(2);
  if (call.string("reduction", "none") != "none" || indices.is_real || indices.shape.empty() ||
      updates.is_real != data.is_real)
    return {};
  const int64_t depth = indices.shape.back();
  if (depth < 1 || depth > static_cast<int64_t>(data.shape.size())) return {};
  int64_t block = 1;
  for (auto d = static_cast<size_t>(depth); d < data.shape.size(); ++d) block *= data.shape[d];
  const int64_t count = indices.elements() / depth;
  if (updates.elements() != count * block) call.refuse("updates that do not fit the indices");
  std::vector<float> values = data.is_real ? *data.reals : std::vector<float>();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t place = place_of(call, indices, i * depth, depth, data.shape, block);
    if (data.is_real)
      std::copy_n(updates.reals->begin() + i * block, block, values.begin() + place);
    else
      std::copy_n(updates.whole.begin() + i * block, block, data.whole.begin() + place);
  }
  return data.is_real ? reals(data.shape, std::move(values))
                      : whole_numbers(data.shape, std::move(data.whole));
}

}  // namespace

std::span<const Operator> scatter_operators() {
  static constexpr Operator kRows[] = {{"ScatterND", only_known, fold_scatter}};
  return kRows;
}

}  // namespace rnc::onnx
