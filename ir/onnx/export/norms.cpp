// Norms of each sample as the language spells them out:
//   centred = x - mean(x), normed = centred rsqrt(mean(centred^2) + eps), and normed weight + bias, if they are affine.
#include <algorithm>
#include <numeric>

#include "ir/onnx/export/composites.h"
#include "ir/ops/reduce.h"

namespace rnc::onnx {
namespace {

struct Norm {
  ValueId x = kNoValue;
  std::vector<int64_t> axes;  // of the means
  int64_t groups = 0;         // of channels whose means are equal; 0: each has its own
  double eps = 0;
  ValueId weight = kNoValue, bias = kNoValue;  // none, or both
};

bool is_fixed(const Graph& graph, ValueId v) {
  return graph[v].op == Op::state || graph[v].op == Op::constants;
}

// The mean along dimensions that are kept, as a Norm's x and axes.
bool is_mean(Trail& trail, ValueId v, Norm& of) {
  const Node* mean = trail.step(v, Op::mean);
  if (mean == nullptr || !mean->attributes.get<bool>("keepdims")) return false;
  of.x = mean->inputs[0];
  of.axes = reduced_axes(*mean, trail.graph()[of.x].type.rank());
  return true;
}

// group_means of std.graph: of the mean of each channel the mean over its group.
bool is_group_mean(Trail& trail, ValueId v, Norm& of) {
  const Node* back = trail.step(v, Op::reshape);
  if (back == nullptr) return is_mean(trail, v, of);
  const Node* spread = trail.step(back->inputs[0], Op::expand_as);
  Norm over_parts;
  if (spread == nullptr || !is_mean(trail, spread->inputs[0], over_parts)) return false;
  const Node* parts = trail.step(over_parts.x, Op::reshape);
  const bool fits = parts != nullptr && spread->inputs[1] == over_parts.x &&
                    over_parts.axes == std::vector<int64_t>{2} && parts->type.rank() == 4;
  if (!fits || !is_mean(trail, parts->inputs[0], of)) return false;
  of.groups = parts->type.shape[1];
  return of.axes == std::vector<int64_t>{2, 3} && trail.shape(of.x).size() == 4;
}

// x - mean(x), or x + -1 mean(x)
bool is_centred(Trail& trail, ValueId v, Norm& of) {
  if (const Node* difference = trail.step(v, Op::sub))
    return is_group_mean(trail, difference->inputs[1], of) && of.x == difference->inputs[0];
  const Node* sum = trail.step(v, Op::add);
  const Node* negative = sum == nullptr ? nullptr : trail.step(sum->inputs[1], Op::mul);
  if (negative == nullptr || trail.number(negative->inputs[0]) != -1.0) return false;
  return is_group_mean(trail, negative->inputs[1], of) && of.x == sum->inputs[0];
}

bool is_normed(Trail& trail, ValueId v, Norm& norm) {
  const Node* product = trail.step(v, Op::mul);
  if (product == nullptr || product->inputs[0] == product->inputs[1]) return false;
  const ValueId centred = product->inputs[0];
  const Node* root = trail.step(product->inputs[1], Op::rsqrt);
  const Node* sum = root == nullptr ? nullptr : trail.step(root->inputs[0], Op::add);
  if (sum == nullptr || !trail.number(sum->inputs[1])) return false;
  norm.eps = *trail.number(sum->inputs[1]);
  Norm variance;
  if (!is_group_mean(trail, sum->inputs[0], variance)) return false;
  const Node* square = trail.step(variance.x, Op::square);
  if (square == nullptr || square->inputs[0] != centred || !is_centred(trail, centred, norm)) return false;
  return norm.axes == variance.axes && norm.groups == variance.groups;
}

bool is_affine(Trail& trail, ValueId v, Norm& norm) {
  const Node* sum = trail.step(v, Op::add);
  const Node* product = sum == nullptr ? nullptr : trail.step(sum->inputs[0], Op::mul);
  if (product == nullptr || !is_normed(trail, product->inputs[0], norm)) return false;
  norm.bias = sum->inputs[1];
  norm.weight = product->inputs[1];
  return is_fixed(trail.graph(), norm.bias) && is_fixed(trail.graph(), norm.weight);
}

// Whether a weight beside x has elements along these dimensions, all of them, and no others.
bool lies_along(const Shape& weight, const Shape& x, int64_t first, int64_t last) {
  if (weight.size() == 1) return first == 1 && last == 1 && weight[0] == x[1];
  for (size_t d = 0; d < x.size(); ++d) {
    const bool inside = first <= static_cast<int64_t>(d) && static_cast<int64_t>(d) <= last;
    if (weight.size() != x.size() || weight[d] != (inside ? x[d] : 1)) return false;
  }
  return true;
}

bool are_along(const Trail& trail, const Norm& norm, int64_t first, int64_t last) {
  const Shape& x = trail.shape(norm.x);
  return norm.weight == kNoValue || (lies_along(trail.shape(norm.weight), x, first, last) &&
                                     lies_along(trail.shape(norm.bias), x, first, last));
}

std::string part(Operation& op, ValueId given, const char* name, const Shape& shape, double otherwise) {
  if (given != kNoValue) return op.fixed(given, shape);
  return op.numbers(name, DType::f32, shape,
                    std::vector<double>(static_cast<size_t>(elements_per_sample(shape)), otherwise));
}

std::vector<std::string> operands(Operation& op, const Norm& norm, const std::string& x, const Shape& shape) {
  return {x, part(op, norm.weight, "weight", shape, 1), part(op, norm.bias, "bias", shape, 0)};
}

NodeAttribute epsilon(const Norm& norm) { return {"epsilon", static_cast<float>(norm.eps)}; }

void write_layer_norm(Operation& op, const Norm& norm) {
  const Shape& x = op.shape_of(norm.x);
  op.result("LayerNormalization",
            operands(op, norm, op.value(norm.x), Shape(x.begin() + norm.axes[0], x.end())),
            {{"axis", norm.axes[0] - static_cast<int64_t>(x.size())}, epsilon(norm)});
}

void write_instance_norm(Operation& op, const Norm& norm) {
  op.result("InstanceNormalization", operands(op, norm, op.value(norm.x), {op.shape_of(norm.x)[1]}),
            {epsilon(norm)});
}

// Before opset 21 as torch.onnx writes it: the norm of each group as a row.
void write_group_norm(Operation& op, const Norm& norm) {
  const Shape& x = op.shape_of(norm.x);
  if (op.opset() >= 21)
    return op.result("GroupNormalization", operands(op, norm, op.value(norm.x), {x[1]}),
                     {{"num_groups", norm.groups}, epsilon(norm)});
  const Shape channels = {x[1], 1, 1};
  const std::string rows =
      op.emit("Reshape", {op.value(norm.x), op.integers_of("shape", {0, norm.groups, -1})});
  const std::string normed =
      op.emit("InstanceNormalization", operands(op, {}, rows, {norm.groups}), {epsilon(norm)});
  const std::vector<std::string> back = {normed, op.integers_of("shape", {0, x[1], x[2], x[3]})};
  if (norm.weight == kNoValue) return op.result("Reshape", back);
  const std::string scaled = op.emit("Mul", {op.emit("Reshape", back), op.fixed(norm.weight, channels)});
  op.result("Add", {scaled, op.fixed(norm.bias, channels)});
}

}  // namespace

std::optional<std::function<void(Operation&)>> recognise_norm(Trail& trail, ValueId v, int64_t opset) {
  Norm norm;
  if (trail.graph()[v].op == Op::add ? !is_affine(trail, v, norm) : !is_normed(trail, v, norm)) return {};
  const Shape& x = trail.shape(norm.x);
  const auto rank = static_cast<int64_t>(x.size());
  const auto writer = [&](void (*write)(Operation&, const Norm&)) {
    return [norm, write](Operation& op) { write(op, norm); };
  };
  std::vector<int64_t> last(norm.axes.size());
  std::iota(last.begin(), last.end(), rank - static_cast<int64_t>(last.size()));
  if (norm.axes != last || last[0] < 1) return {};
  const bool is_of_channels = last[0] == 2 && are_along(trail, norm, 1, 1);
  if (norm.groups > 0) return is_of_channels ? std::optional(writer(write_group_norm)) : std::nullopt;
  if (is_of_channels && (norm.weight != kNoValue || rank > 3)) return writer(write_instance_norm);
  if (opset >= 17 && are_along(trail, norm, last[0], rank - 1)) return writer(write_layer_norm);
  return {};
}

}  // namespace rnc::onnx
