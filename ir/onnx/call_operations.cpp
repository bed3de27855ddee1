// The operations of the graph that nodes become.
#include <fmt/format.h>

#include <algorithm>

#include "ir/onnx/call.h"

namespace rnc::onnx {

ValueId Call::emit(Op op, std::vector<ValueId> inputs, Attributes attributes) {
  return context_.builder().emit(op, std::move(inputs), std::move(attributes));
}

ValueId Call::result(Op op, std::vector<ValueId> inputs, Attributes attributes) {
  if (is_named_) return emit(op, std::move(inputs), std::move(attributes));
  is_named_ = true;
  return context_.builder().emit(op, std::move(inputs), std::move(attributes), context_.free_name(layer_));
}

ValueId Call::reshaped(ValueId v, const Sizes& sizes) {
  const auto shape = shape_of(sizes);
  if (!shape)
    refuse(fmt::format("{} becomes {}: only the first dimension can be the batch", rnc::str(type(v).shape),
                       str(sizes)));
  if (*shape == type(v).shape) return v;
  return emit(Op::reshape, {v}, attributes({{"shape", *shape}}));
}

ValueId Call::permuted(ValueId v, std::vector<int64_t> order) {
  if (const Node& before = context_.graph()[v]; before.op == Op::permute) {  // both at once
    const auto& given = before.attributes.get<std::vector<int64_t>>("order");
    for (int64_t& d : order) d = given.at(static_cast<size_t>(d));
    return permuted(before.inputs[0], std::move(order));
  }
  if (std::ranges::is_sorted(order)) return v;
  return emit(Op::permute, {v}, attributes({{"order", std::move(order)}}));
}

ValueId Call::sliced(ValueId v, int64_t axis, int64_t begin, int64_t end) {
  if (begin == 0 && end == type(v).shape.at(static_cast<size_t>(axis))) return v;
  // Only values of the parameters alone are cut along their first dimension: as one that is not the first.
  Sizes sizes = sizes_of(type(v).shape);
  if (axis > 0) return emit(Op::slice, {v}, attributes({{"axis", axis}, {"begin", begin}, {"end", end}}));
  if (has_batch(type(v).shape)) refuse("it would take a part of the batch");
  sizes.insert(sizes.begin(), Size{1, 0});
  const ValueId cut = emit(Op::slice, {reshaped(v, sizes)},
                           attributes({{"axis", int64_t{1}}, {"begin", begin}, {"end", end}}));
  sizes.erase(sizes.begin());
  sizes[0].number = end - begin;
  return reshaped(cut, sizes);
}

ValueId Call::concatenated(std::vector<ValueId> values, int64_t axis) {
  constexpr size_t kMost = 1024;  // operands of concat
  if (values.size() > kMost) refuse(fmt::format("{} values put together", values.size()));
  if (values.size() == 1) return values[0];
  if (axis > 0) return result(Op::concat, std::move(values), attributes({{"axis", axis}}));
  for (ValueId& v : values) {  // the first dimension as the second of values with one more
    Sizes sizes = sizes_of(type(v).shape);
    sizes.insert(sizes.begin(), Size{1, 0});
    v = reshaped(v, sizes);
  }
  const ValueId all = result(Op::concat, std::move(values), attributes({{"axis", int64_t{1}}}));
  Sizes sizes = sizes_of(type(all).shape);
  sizes.erase(sizes.begin());
  return reshaped(all, sizes);
}

ValueId Call::reduced(Op op, ValueId v, std::vector<int64_t> axes, bool keepdims) {
  return emit(op, {v}, attributes({{"axes", std::move(axes)}, {"keepdims", keepdims}}));
}

}  // namespace rnc::onnx
