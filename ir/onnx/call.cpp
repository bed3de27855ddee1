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

namespace {

std::string_view first_weight(const Values& inputs) {
  for (const Value& input : inputs)
    if (input.constant && input.constant->is_weight()) return input.constant->tensor;
  return {};
}

}  // namespace

Call::Call(Context& context, const proto::NodeProto& node, Values inputs)
    : context_(context),
      node_(node),
      inputs_(std::move(inputs)),
      layer_(layer_name(node, first_weight(inputs_))) {
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
  if (is_moved(i)) refuse(fmt::format("the batch of {} is not its first dimension", str(shape(i))));
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
  if (is_moved(i)) return sizes_of(type(inputs_[i].node).shape, inputs_[i].groups);
  return sizes_of(given != nullptr ? given->shape : type(inputs_[i].node).shape);
}

Groups Call::take_groups() { return inputs_.empty() ? Groups{} : std::exchange(inputs_[0].groups, {}); }

}  // namespace rnc::onnx
