// Channels added and removed: the zero-padding shortcut of He et al. 2015 ("option A") and its gradient.
#include <fmt/format.h>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc::ops {
namespace {

int64_t integer(const Node& node, std::string_view attribute, int64_t minimum) {
  const auto value = node.attributes.get<int64_t>(attribute);
  if (value < minimum) fail(node, fmt::format("{} must be at least {}, not {}", attribute, minimum, value));
  return value;
}

Type infer_pad_channels(const Node& node, Types in) {
  require_real(node, in[0], 4, "the input");
  Type result = like(in[0], in[0].shape);
  result.shape[1] += integer(node, "before", 0) + integer(node, "after", 0);
  return result;
}

Type infer_slice_channels(const Node& node, Types in) {
  require_real(node, in[0], 4, "the input");
  const int64_t begin = integer(node, "begin", 0), end = integer(node, "end", begin + 1);
  if (end > in[0].shape[1]) {
    fail(node, fmt::format("end is {}, but {} has {} channels", end, str(in[0]), in[0].shape[1]));
  }
  Type result = like(in[0], in[0].shape);
  result.shape[1] = end - begin;
  return result;
}

// y[n, c] = x[n, c - offset] where that channel exists, else 0.
void shift_channels(const TensorData& x, TensorData& y, int64_t offset) {
  const int64_t map = x.shape[2] * x.shape[3];
  for (int64_t n = 0; n < y.shape[0]; ++n)
    for (int64_t c = 0; c < y.shape[1]; ++c) {
      const int64_t from = c - offset;
      if (from < 0 || from >= x.shape[1]) continue;
      for (int64_t i = 0; i < map; ++i) {
        y.values[static_cast<size_t>((n * y.shape[1] + c) * map + i)] =
            x.values[static_cast<size_t>((n * x.shape[1] + from) * map + i)];
      }
    }
}

void evaluate_pad_channels(EvalContext& context) {
  shift_channels(*context.inputs[0], context.result, context.node.attributes.get<int64_t>("before"));
}

void evaluate_slice_channels(EvalContext& context) {
  shift_channels(*context.inputs[0], context.result, -context.node.attributes.get<int64_t>("begin"));
}

std::vector<ValueId> gradient_pad_channels(GraphBuilder& b, ValueId forward, ValueId dy) {
  const auto before = b[forward].attributes.get<int64_t>("before");
  Attributes attributes;
  attributes.set("begin", before);
  attributes.set("end", before + b[b[forward].inputs[0]].type.shape[1]);
  return {b.emit(Op::slice_channels, {dy}, std::move(attributes))};
}

std::vector<ValueId> gradient_slice_channels(GraphBuilder& b, ValueId forward, ValueId dy) {
  Attributes attributes;
  attributes.set("before", b[forward].attributes.get<int64_t>("begin"));
  attributes.set("after", b[b[forward].inputs[0]].type.shape[1] - b[forward].attributes.get<int64_t>("end"));
  return {b.emit(Op::pad_channels, {dy}, std::move(attributes))};
}

OpInfo channels(Op op, std::string_view name, std::string_view doc) {
  return {.op = op, .name = name, .kind = OpKind::window, .min_inputs = 1, .max_inputs = 1, .doc = doc};
}

}  // namespace

OpInfo pad_channels() {
  OpInfo row =
      channels(Op::pad_channels, "pad_channels", "[N, C, H, W] with channels of zeros around its own");
  row.attributes = {{"before", AttributeKind::integer, {}}, {"after", AttributeKind::integer, {}}};
  row.infer = infer_pad_channels;
  row.gradient = gradient_pad_channels;
  row.evaluate = evaluate_pad_channels;
  return row;
}

OpInfo slice_channels() {
  OpInfo row = channels(Op::slice_channels, "slice_channels", "channels [begin, end) of [N, C, H, W]");
  row.attributes = {{"begin", AttributeKind::integer, {}}, {"end", AttributeKind::integer, {}}};
  row.infer = infer_slice_channels;
  row.gradient = gradient_slice_channels;
  row.evaluate = evaluate_slice_channels;
  return row;
}

}  // namespace rnc::ops
