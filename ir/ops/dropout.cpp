// Dropout: elements, or whole samples, that training sets to zero at random, the rest scaled so that the mean stays.
// In inference and in entry loss it does nothing. derive_entries makes it a product with a mask, which is random: a
// function of the entry's input `seed`, the layer and the element's number, computed anew wherever it is needed.
#include <fmt/format.h>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"
#include "ir/ops/random.h"

namespace rnc::ops {
namespace {

void check_share(const Node& node) {
  const auto p = node.attributes.get<double>("p");
  if (!(p >= 0 && p < 1)) fail(node, fmt::format("p must be at least 0 and less than 1, not {}", p));
}

Type infer_dropout(const Node& node, Types in) {
  check_share(node);
  require_real_at_least(node, in[0], 2, "the operand");
  if (!has_batch(in[0].shape)) fail(node, fmt::format("{} has no batch", str(in[0])));
  return like(in[0], in[0].shape);
}

Type infer_mask(const Node& node, Types in) {
  check_share(node);
  if (in[0].rank() != 0) fail(node, fmt::format("the seed must be a scalar, not {}", str(in[0])));
  const auto& shape = node.attributes.get<std::vector<int64_t>>("shape");
  if (shape.size() < 2 || shape[0] != kBatch) fail(node, "the shape must begin with -1, the batch");
  for (size_t d = 1; d < shape.size(); ++d)
    if (shape[d] < 1) fail(node, fmt::format("a size must be at least 1; shape has {}", shape[d]));
  return {contract::kDefaultReal, shape, {}};
}

void evaluate_as_is(EvalContext& context) { context.result.values = context.inputs[0]->values; }

void evaluate_mask(EvalContext& context) {
  const auto p = context.node.attributes.get<double>("p");
  const auto stream = static_cast<uint32_t>(context.node.attributes.get<int64_t>("stream"));
  const auto key = static_cast<uint32_t>(static_cast<int64_t>(context.inputs[0]->values[0]));
  const auto kept = static_cast<double>(static_cast<float>(1 / (1 - p)));
  for (size_t i = 0; i < context.result.values.size(); ++i) {
    const auto number = static_cast<int32_t>(philox(key, stream, static_cast<uint32_t>(i)));
    context.result.values[i] = number < threshold(p) ? 0 : kept;
  }
}

std::vector<ValueId> gradient_as_is(GraphBuilder&, ValueId, ValueId dy) { return {dy}; }

const AttributeSpec kShare{"p", AttributeKind::real, 0.5};
const AttributeSpec kStream{"stream", AttributeKind::integer, int64_t{0}};

OpInfo dropping(Op op, std::string_view name, double p, std::string_view doc) {
  OpInfo row{.op = op,
             .name = name,
             .kind = OpKind::other,
             .min_inputs = 1,
             .max_inputs = 1,
             .attributes = {kShare, kStream},
             .doc = doc,
             .infer = infer_dropout,
             .gradient = gradient_as_is,
             .evaluate = evaluate_as_is};
  row.attributes[0].default_value = p;
  return row;
}

}  // namespace

OpInfo dropout() {
  return dropping(Op::dropout, "dropout", 0.5, "in training, 0 with probability p, else a / (1 - p); else a");
}

OpInfo drop_path() {
  return dropping(Op::drop_path, "drop_path", 0.1,
                  "in training, of each sample 0 with probability p, else a / (1 - p); else a");
}

OpInfo dropout_mask() {
  return {.op = Op::dropout_mask,
          .name = "dropout_mask",
          .kind = OpKind::elementwise,
          .min_inputs = 1,
          .max_inputs = 1,
          .attributes = {kShare, kStream, {"shape", AttributeKind::integers, {}}},
          .doc = "0 with probability p, else 1 / (1 - p), by a seed",
          .infer = infer_mask,
          .gradient = nullptr,
          .evaluate = evaluate_mask};
}

ValueId emit_mask(GraphBuilder& b, const Node& dropout, ValueId seed) {
  Shape shape = dropout.type.shape;
  if (dropout.op == Op::drop_path)
    for (size_t d = 1; d < shape.size(); ++d) shape[d] = 1;
  Attributes attributes = dropout.attributes;
  attributes.set("shape", std::move(shape));
  return b.emit(Op::dropout_mask, {seed}, std::move(attributes));
}

ValueId emit_dropped(GraphBuilder& b, const Node& dropout, ValueId x, ValueId mask) {
  return b.emit(Op::mul, {x, mask}, {}, dropout.name);
}

}  // namespace rnc::ops
