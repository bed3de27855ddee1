#include "ir/onnx/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "ir/ops/layers.h"

namespace rnc::onnx {

Attributes attributes(std::initializer_list<std::pair<const char*, Attribute>> list) {
  Attributes result;
  for (const auto& [name, value] : list) result.set(name, value);
  return result;
}

Initializer layer_initializer(Op layer, std::string_view part, const Type& x, int64_t outputs,
                              const Attributes& given) {
  for (LayerTensor& tensor : find_layer(layer)->tensors(x, outputs, given))
    if (tensor.part == part) return tensor.initializer;
  return {};
}

double shortest(float value) {
  return std::isfinite(value) ? std::stod(fmt::format("{}", value)) : static_cast<double>(value);
}

Call::Call(Context& context, const proto::NodeProto& node, Values inputs)
    : context_(context), node_(node), inputs_(std::move(inputs)), layer_(layer_name(node, inputs_)) {
  context_.builder().set_origin({}, layer_);
}

const Constant* Call::constant(size_t i) const {
  return i < inputs_.size() && inputs_[i].constant ? &*inputs_[i].constant : nullptr;
}

const Constant& Call::known(size_t i, std::string_view what) const {
  const Constant* found = constant(i);
  if (found == nullptr) refuse(fmt::format("{} must not depend on the inputs of the model", what));
  return *found;
}

Sizes Call::sizes(size_t i, std::string_view what) const {
  const Constant& given = known(i, what);
  if (given.is_real) refuse(fmt::format("{} must be whole numbers", what));
  return given.whole;
}

std::vector<int64_t> Call::numbers(size_t i, std::string_view what) const {
  std::vector<int64_t> result;
  for (const Size& size : sizes(i, what)) {
    if (!size.fixed()) refuse(fmt::format("{} must not depend on the batch", what));
    result.push_back(size.number);
  }
  return result;
}

double Call::scalar(size_t i, std::string_view what) const {
  const Constant& given = known(i, what);
  if (given.elements() != 1) refuse(fmt::format("{} must be one number, not {}", what, given.elements()));
  return given.real(0);
}

ValueId Call::value(size_t i, TensorKind kind) {
  if (!has(i)) refuse(fmt::format("operand {} is missing", i + 1));
  const Constant* given = constant(i);
  if (given == nullptr) return inputs_[i].node;
  return given->is_weight() ? context_.tensor(*given, kind) : context_.numbers(*given);
}

ValueId Call::weight(size_t i, std::string_view part, Initializer initializer) {
  const Constant* given = constant(i);
  if (given == nullptr) return value(i);
  if (!given->is_real) refuse(fmt::format("its {} must be real numbers", part));
  Constant named = *given;
  if (named.tensor.empty()) named.tensor = context_.free_name(fmt::format("{}.{}", layer_, part));
  return context_.tensor(named, TensorKind::parameter, std::move(initializer));
}

Sizes Call::shape(size_t i) {
  if (!has(i)) refuse(fmt::format("operand {} is missing", i + 1));
  const Constant* given = constant(i);
  return sizes_of(given != nullptr ? given->shape : type(inputs_[i].node).shape);
}

// --- Attributes

const proto::AttributeProto* Call::find(std::string_view name) const {
  for (const proto::AttributeProto& attribute : node_.attribute())
    if (attribute.name() == name) return &attribute;
  return nullptr;
}

int64_t Call::integer(std::string_view name, int64_t otherwise) const {
  const auto* found = find(name);
  if (found == nullptr) return otherwise;
  if (!found->has_i()) refuse(fmt::format("attribute {} must be an integer", name));
  return found->i();
}

double Call::real(std::string_view name, double otherwise) const {
  const auto* found = find(name);
  if (found == nullptr) return otherwise;
  if (!found->has_f()) refuse(fmt::format("attribute {} must be a number", name));
  return shortest(found->f());
}

std::string Call::string(std::string_view name, const std::string& otherwise) const {
  const auto* found = find(name);
  if (found == nullptr) return otherwise;
  if (!found->has_s()) refuse(fmt::format("attribute {} must be a string", name));
  return found->s();
}

std::vector<int64_t> Call::integers(std::string_view name, std::vector<int64_t> otherwise) const {
  const auto* found = find(name);
  if (found == nullptr) return otherwise;
  return {found->ints().begin(), found->ints().end()};
}

std::vector<double> Call::reals(std::string_view name) const {
  const auto* found = find(name);
  if (found == nullptr) return {};
  return {found->floats().begin(), found->floats().end()};
}

std::vector<int64_t> Call::integers_of(size_t i, std::string_view name) const {
  return has(i) ? numbers(i, name) : integers(name);
}

int64_t Call::axis(int64_t given, int64_t rank) const {
  if (given < -rank || given >= rank) refuse(fmt::format("axis {} is none of {} dimensions", given, rank));
  return given < 0 ? given + rank : given;
}

// --- Operations

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
