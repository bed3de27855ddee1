#include "ir/ops/layers.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rnc {
namespace {

Initializer initializer(std::string name, std::string argument, double value) {
  Initializer result{.name = std::move(name)};
  result.attributes.set(std::move(argument), value);
  return result;
}

// PyTorch's defaults (nn.Conv2d, nn.Linear): the weight's bound and the bias's are both 1 / sqrt(fan_in).
Initializer default_weight() { return initializer("kaiming_uniform", "a", std::sqrt(5.0)); }
Initializer default_bias(int64_t fan_in) {
  return initializer("uniform", "bound", 1.0 / std::sqrt(static_cast<double>(fan_in)));
}
Initializer constant(double value) { return initializer("constant", "value", value); }

// The size of dimension 1, which a layer's parameters must match; 1 where there is none.
int64_t features(const Type& type) { return type.rank() >= 2 ? type.shape[1] : 1; }

// Of sizes that are refused later, where they are more than there is memory for.
int64_t saturated_product(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<int64_t>::max() : product;
}

// Weight and bias, if it has one.
std::vector<LayerTensor> weighted(Shape weight, int64_t fan_in, const Attributes& attributes) {
  const int64_t outputs = weight[0];
  std::vector<LayerTensor> tensors = {{"weight", std::move(weight), default_weight()}};
  if (attributes.get<bool>("bias")) tensors.push_back({"bias", {outputs}, default_bias(fan_in)});
  return tensors;
}

std::vector<LayerTensor> conv2d_tensors(const Type& x, int64_t outputs, const Attributes& attributes) {
  const auto& kernel = attributes.get<std::vector<int64_t>>("kernel");
  const auto& given = attributes.all();
  const auto found = given.find("groups");
  const auto* groups = found == given.end() ? nullptr : std::get_if<int64_t>(&found->second);
  const int64_t parts = groups == nullptr ? 1 : std::max<int64_t>(1, *groups);
  const int64_t inputs = std::max<int64_t>(1, features(x) / parts);
  const int64_t fan_in = saturated_product(saturated_product(inputs, kernel[0]), kernel[1]);
  return weighted({outputs, inputs, kernel[0], kernel[1]}, fan_in, attributes);
}

// PyTorch takes the outputs of a group for its fan_in.
std::vector<LayerTensor> conv_transpose2d_tensors(const Type& x, int64_t outputs,
                                                  const Attributes& attributes) {
  const auto& kernel = attributes.get<std::vector<int64_t>>("kernel");
  const auto found = attributes.all().find("groups");
  const auto* groups = found == attributes.all().end() ? nullptr : std::get_if<int64_t>(&found->second);
  const int64_t per_group =
      std::max<int64_t>(1, outputs / (groups == nullptr ? 1 : std::max<int64_t>(1, *groups)));
  const int64_t fan_in = saturated_product(saturated_product(per_group, kernel[0]), kernel[1]);
  std::vector<LayerTensor> tensors = {
      {"weight", {features(x), per_group, kernel[0], kernel[1]}, default_weight()}};
  if (attributes.get<bool>("bias")) tensors.push_back({"bias", {outputs}, default_bias(fan_in)});
  return tensors;
}

std::vector<LayerTensor> linear_tensors(const Type& x, int64_t outputs, const Attributes& attributes) {
  const int64_t inputs = x.rank() >= 2 ? x.shape.back() : 1;
  return weighted({outputs, inputs}, inputs, attributes);
}

std::vector<LayerTensor> batch_norm_tensors(const Type& x, int64_t, const Attributes& attributes) {
  const Shape shape = {features(x)};
  const bool fixed = !attributes.get<bool>("affine");
  std::vector<LayerTensor> tensors = {{"weight", shape, constant(1), TensorKind::parameter, fixed},
                                      {"bias", shape, constant(0), TensorKind::parameter, fixed},
                                      {"running_mean", shape, constant(0), TensorKind::buffer},
                                      {"running_var", shape, constant(1), TensorKind::buffer}};
  if (attributes.get<bool>("cumulative"))
    tensors.push_back({"num_batches_tracked", {}, constant(0), TensorKind::buffer});
  return tensors;
}

const std::vector<LayerInfo>& layer_table() {
  const AttributeSpec bias{"bias", AttributeKind::boolean, true};
  const AttributeSpec kernel{"kernel", AttributeKind::pair, {}};
  const AttributeSpec affine{"affine", AttributeKind::boolean, true},
      cumulative{"cumulative", AttributeKind::boolean, false};
  static const std::vector<LayerInfo> rows = {
      {Op::conv2d, true, {bias, kernel}, {"weight", "bias"}, conv2d_tensors},
      {Op::conv_transpose2d, true, {bias, kernel}, {"weight", "bias"}, conv_transpose2d_tensors},
      {Op::linear, true, {bias}, {"weight", "bias"}, linear_tensors},
      {Op::batch_norm,
       false,
       {affine, cumulative},
       {"weight", "bias"},
       batch_norm_tensors,
       {"cumulative", "momentum"}},
  };
  return rows;
}

}  // namespace

std::span<const LayerInfo> layers() { return layer_table(); }

const LayerInfo* find_layer(Op op) {
  const auto found = std::ranges::find(layer_table(), op, &LayerInfo::op);
  return found == layer_table().end() ? nullptr : &*found;
}

}  // namespace rnc
