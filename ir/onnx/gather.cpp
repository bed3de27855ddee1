// Elements at given places: taken from there, or, of what is known, put there, as masks are that are assigned to slices.
#include <fmt/format.h>

#include <algorithm>

#include "ir/onnx/fold.h"
#include "ir/onnx/operators.h"
#include "ir/onnx/view.h"

namespace rnc::onnx {
namespace {

// --- Gather

std::vector<int64_t> indices_of(const Call& call, int64_t size) {
  std::vector<int64_t> indices = call.numbers(1, "the indices");
  for (int64_t& index : indices) {
    if (index < -size || index >= size) call.refuse(fmt::format("index {} of {} elements", index, size));
    if (index < 0) index += size;
  }
  return indices;
}

// Neighbours are one slice; elements of a list one each.
Values gather(Call& call) {
  const Sizes shape = call.shape(0);
  const int64_t axis = call.axis(call.integer("axis", 0), static_cast<int64_t>(shape.size()));
  const Size size = shape[static_cast<size_t>(axis)];
  if (!size.fixed()) call.refuse("it would take a part of the batch");
  View x = view_of(call, 0, TensorKind::parameter);
  const int64_t place = single_axis(call, x, axis);
  const std::vector<int64_t> indices = indices_of(call, size.number);
  std::vector<ValueId> pieces;
  for (size_t i = 0; i < indices.size();) {
    size_t next = i + 1;
    while (next < indices.size() && indices[next] == indices[next - 1] + 1) ++next;
    pieces.push_back(call.sliced(x.node, place, indices[i], indices[next - 1] + 1));
    i = next;
  }
  if (pieces.empty()) call.refuse("of no elements");
  x.node = call.concatenated(std::move(pieces), place);
  Sizes to = shape;
  to.erase(to.begin() + axis);
  const Sizes of_indices = call.shape(1);
  to.insert(to.begin() + axis, of_indices.begin(), of_indices.end());
  if (call.is_moved(0)) return {settled(call, regrouped(call, x, to))};
  return one(call.reshaped(x.node, to));
}

Folded fold_gather(const Call& call) {
  const Constant& x = *call.constant(0);
  const int64_t axis = call.axis(call.integer("axis", 0), static_cast<int64_t>(x.shape.size()));
  Constant result = taken(x, axis, indices_of(call, x.shape[static_cast<size_t>(axis)]));
  result.shape.erase(result.shape.begin() + axis);
  const auto& of_indices = call.constant(1)->shape;
  result.shape.insert(result.shape.begin() + axis, of_indices.begin(), of_indices.end());
  return result;
}

// --- Scatter

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

std::span<const Operator> gather_operators() {
  static constexpr Operator kRows[] = {{"Gather", gather, fold_gather},
                                       {"ScatterND", only_known, fold_scatter}};
  return kRows;
}

}  // namespace rnc::onnx
