// Batch normalisation (Ioffe & Szegedy 2015, as PyTorch's batch_norm) and the channel reductions it is made
// of. A channel's statistics go over the batch and all spatial dimensions of [N, C, ...].
//
// Mode "train" normalises by the batch's mean and biased variance, mode "eval" by the running ones. "model"
// is what a model says before its entries are derived; it evaluates as "eval". With the number of batches so far as
// operand `batches`, the running statistics are means over all of them (PyTorch's momentum = None).
#include <fmt/format.h>

#include <cmath>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

Type infer_batch_norm(const Node& node, Types in) {
  require_real_at_least(node, in[0], 2, "the input");
  const Type channels = like(in[0], {in[0].shape[1]});
  require_type(node, in[1], channels, "the weight");
  require_type(node, in[2], channels, "the bias");
  require_type(node, in[3], channels, "the running mean");
  require_type(node, in[4], channels, "the running variance");
  if (const Type* batches = optional(node, in, "batches")) require_type(node, *batches, {}, "batches");
  const auto eps = node.attributes.get<double>("eps");
  if (!(eps >= 0) || std::isinf(eps)) fail(node, fmt::format("eps must be at least 0, not {}", eps));
  const auto momentum = node.attributes.get<double>("momentum");
  if (!(momentum >= 0 && momentum <= 1)) {
    fail(node, fmt::format("momentum must be between 0 and 1, not {}", momentum));
  }
  const auto& mode = node.attributes.get<std::string>("mode");
  if (mode != "model" && mode != "train" && mode != "eval") {
    fail(node, fmt::format("mode must be \"model\", \"train\" or \"eval\", not {}", str(Attribute(mode))));
  }
  return like(in[0], in[0].shape);
}

Type infer_channels(const Node& node, Types in) {
  require_real_at_least(node, in[0], 2, "the operand");
  return like(in[0], {in[0].shape[1]});
}

Type infer_variance(const Node& node, Types in) {
  const Type result = infer_channels(node, in);
  const auto least = node.attributes.get<int64_t>("at_least");
  if (least < 1) fail(node, fmt::format("at_least must be at least 1, not {}", least));
  if (!has_batch(in[0].shape) && elements_per_sample(in[0].shape) / in[0].shape[1] < least) {
    fail(node, fmt::format("{} has fewer than {} elements per channel", str(in[0]), least));
  }
  return result;
}

Type infer_element_count(const Node& node, Types in) {
  require_real_at_least(node, in[0], 2, "the operand");
  return {};
}

// Calls visit(channel, position) for every element of a tensor [N, C, ...].
template <class Visit>
void each_element(const Shape& shape, const Visit& visit) {
  const auto channels = static_cast<size_t>(shape[1]);
  size_t inner = 1;
  for (size_t d = 2; d < shape.size(); ++d) inner *= static_cast<size_t>(shape[d]);
  const size_t count = static_cast<size_t>(shape[0]) * channels * inner;
  for (size_t i = 0; i < count; ++i) visit(i / inner % channels, i);
}

double elements_per_channel(const TensorData& x) {
  return static_cast<double>(x.values.size()) / static_cast<double>(x.shape[1]);
}

std::vector<double> sums(const EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  std::vector<double> sum(static_cast<size_t>(x.shape[1]));
  each_element(x.shape, [&](size_t c, size_t i) { context.accumulate(sum[c], x.values[i]); });
  return sum;
}

std::vector<double> means(const EvalContext& context) {
  std::vector<double> mean = sums(context);
  for (double& m : mean) m = rounded(m / elements_per_channel(*context.inputs[0]), context.digits);
  return mean;
}

std::vector<double> variances(const EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  const std::vector<double> mean = means(context);
  std::vector<double> variance(mean.size());
  each_element(x.shape, [&](size_t c, size_t i) {
    context.accumulate(variance[c], std::pow(x.values[i] - mean[c], 2));
  });
  for (double& v : variance) v /= elements_per_channel(x);
  return variance;
}

void evaluate_batch_norm(EvalContext& context) {
  const TensorData& x = *context.inputs[0];
  const std::vector<double>& weight = context.inputs[1]->values;
  const std::vector<double>& bias = context.inputs[2]->values;
  const bool train = context.node.attributes.get<std::string>("mode") == "train";
  const std::vector<double> mean = train ? means(context) : context.inputs[3]->values;
  const std::vector<double> variance = train ? variances(context) : context.inputs[4]->values;
  const auto eps = context.node.attributes.get<double>("eps");
  each_element(x.shape, [&](size_t c, size_t i) {
    context.result.values[i] = (x.values[i] - mean[c]) / std::sqrt(variance[c] + eps) * weight[c] + bias[c];
  });
}

void evaluate_mean(EvalContext& context) { context.result.values = means(context); }
void evaluate_variance(EvalContext& context) { context.result.values = variances(context); }
void evaluate_sum(EvalContext& context) { context.result.values = sums(context); }
void evaluate_count(EvalContext& context) {
  context.result.values[0] = elements_per_channel(*context.inputs[0]);
}

// With the batch's statistics, which depend on x too:
//   dx = weight rstd (dy - mean(dy) - xhat mean(dy xhat)), in terms of the sums that dbias and dweight are.
// With running statistics dx = weight rstd dy. Subtracting the mean before multiplying keeps it accurate
// where |mean| is large against the deviation.
std::vector<ValueId> gradient_batch_norm(GraphBuilder& b, ValueId forward, ValueId dy) {
  const Node node = b[forward];
  const bool train = node.attributes.get<std::string>("mode") == "train";
  const ValueId x = node.inputs[0];
  const ValueId mean = train ? b.emit(Op::channel_mean, {x}) : node.inputs[3];
  const ValueId variance = train ? emit_batch_variance(b, x) : node.inputs[4];
  const ValueId rstd = emit_rstd(b, variance, node.attributes.get<double>("eps"));
  const ValueId xhat = b.emit(Op::mul, {b.emit(Op::sub, {x, mean}), rstd});
  const ValueId dbias = b.emit(Op::channel_sum, {dy});
  const ValueId dweight = b.emit(Op::channel_sum, {b.emit(Op::mul, {dy, xhat})});
  const ValueId scale = b.emit(Op::mul, {node.inputs[1], rstd});
  ValueId centred = dy;
  if (train) {
    const ValueId count = b.emit(Op::element_count, {x});
    const ValueId along_xhat = b.emit(Op::mul, {xhat, b.emit(Op::div, {dweight, count})});
    centred = b.emit(Op::sub, {dy, b.emit(Op::div, {dbias, count})});
    centred = b.emit(Op::sub, {centred, along_xhat});
  }
  std::vector<ValueId> gradients(node.inputs.size(), kNoValue);
  gradients[0] = b.emit(Op::mul, {centred, scale});
  gradients[1] = dweight;
  gradients[2] = dbias;
  return gradients;
}

std::vector<ValueId> gradient_sum(GraphBuilder& b, ValueId forward, ValueId dy) {
  return {b.emit(Op::expand_as, {dy, b[forward].inputs[0]})};
}

std::vector<ValueId> gradient_mean(GraphBuilder& b, ValueId forward, ValueId dy) {
  const ValueId x = b[forward].inputs[0];
  return {b.emit(Op::expand_as, {b.emit(Op::div, {dy, b.emit(Op::element_count, {x})}), x})};
}

// d variance / dx = 2 (x - mean) / n: what x adds through the mean cancels.
std::vector<ValueId> gradient_variance(GraphBuilder& b, ValueId forward, ValueId dy) {
  const ValueId x = b[forward].inputs[0];
  const ValueId centred = b.emit(Op::sub, {x, b.emit(Op::channel_mean, {x})});
  const ValueId two = b.constant(2);
  const ValueId scale = b.emit(Op::mul, {b.emit(Op::div, {dy, b.emit(Op::element_count, {x})}), two});
  return {b.emit(Op::mul, {centred, scale})};
}

OpInfo reduction(Op op, std::string_view name, decltype(OpInfo::gradient) gradient,
                 decltype(OpInfo::evaluate) evaluate, std::string_view doc) {
  return {.op = op,
          .name = name,
          .kind = OpKind::reduction,
          .min_inputs = 1,
          .max_inputs = 1,
          .doc = doc,
          .infer = infer_channels,
          .gradient = gradient,
          .evaluate = evaluate};
}

}  // namespace

OpInfo batch_norm() {
  return {.op = Op::batch_norm,
          .name = "batch_norm",
          .kind = OpKind::other,
          .min_inputs = 5,
          .max_inputs = 6,
          .attributes = {{"eps", AttributeKind::real, 1e-5},
                         {"momentum", AttributeKind::real, 0.1},
                         {"mode", AttributeKind::string, std::string("model")}},
          .optional = {"batches"},
          .doc =
              "(x - mean) / sqrt(variance + eps) * weight + bias per channel; operands x, weight, bias, "
              "running_mean, running_var",
          .infer = infer_batch_norm,
          .gradient = gradient_batch_norm,
          .evaluate = evaluate_batch_norm};
}

OpInfo channel_mean() {
  return reduction(Op::channel_mean, "channel_mean", gradient_mean, evaluate_mean,
                   "the mean of each channel");
}
OpInfo channel_variance() {
  OpInfo info = reduction(Op::channel_variance, "channel_variance", gradient_variance, evaluate_variance,
                          "the biased variance of each channel; the entry does not run on batches in which a "
                          "channel has fewer than at_least elements");
  info.attributes = {{"at_least", AttributeKind::integer, int64_t{1}}};
  info.infer = infer_variance;
  return info;
}
OpInfo channel_sum() {
  return reduction(Op::channel_sum, "channel_sum", gradient_sum, evaluate_sum, "the sum of each channel");
}

OpInfo element_count() {
  return {.op = Op::element_count,
          .name = "element_count",
          .kind = OpKind::other,
          .min_inputs = 1,
          .max_inputs = 1,
          .reads_shape_only = true,
          .doc = "elements per channel: the batch times the spatial dimensions",
          .infer = infer_element_count,
          .evaluate = evaluate_count};
}

}  // namespace rnc::ops
