#include "ir/ops/grouped_weight.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/graph/interpreter.h"
#include "ir/ops/ops.h"

namespace rnc {

int64_t GroupedWeight::blocks() const {
  int64_t most = 1;
  for (int64_t o = 0; o < outputs; o += panel) {
    const int64_t last = std::min(o + panel, outputs) - 1;
    const int64_t first = o / outputs_per_group() * inputs_per_group() / lanes;
    const int64_t end = ((last / outputs_per_group() + 1) * inputs_per_group() + lanes - 1) / lanes;
    most = std::max(most, end - first);
  }
  return most;
}

int64_t GroupedWeight::first_block(int64_t of) const {
  const int64_t all = (inputs + lanes - 1) / lanes;
  return std::min(of * panel / outputs_per_group() * inputs_per_group() / lanes, all - blocks());
}

GroupedWeight grouped_weight(const Node& node, const Shape& weight) {
  const auto attribute = [&](const char* name) { return node.attributes.get<int64_t>(name); };
  const int64_t groups = attribute("groups");
  return {weight[0], weight[1] * groups, groups, attribute("lanes"), attribute("panel"), attribute("spread")};
}

namespace ops {
namespace {

Type infer_grouped_weight(const Node& node, Types in) {
  require_real(node, in[0], 4, "the weight");
  const Shape& w = in[0].shape;
  if (has_batch(w)) fail(node, fmt::format("the weight {} must not depend on the batch", str(in[0])));
  for (const char* name : {"groups", "lanes", "panel"}) {
    const auto value = node.attributes.get<int64_t>(name);
    if (value < 1) fail(node, fmt::format("{} must be at least 1, not {}", name, value));
  }
  const GroupedWeight packed = grouped_weight(node, w);
  if (w[0] % packed.groups != 0) {
    fail(node, fmt::format("the {} outputs are not divisible into {} groups", w[0], packed.groups));
  }
  if (packed.spread != 0 && packed.spread != w[1]) {
    fail(node, fmt::format("spread must be 0 or the {} inputs of a group, not {}", w[1], packed.spread));
  }
  return like(in[0], packed.shape(w[2] * w[3]));
}

void evaluate_grouped_weight(EvalContext& context) {
  const TensorData& w = *context.inputs[0];
  const GroupedWeight packed = grouped_weight(context.node, w.shape);
  const int64_t taps = w.shape[2] * w.shape[3];
  const Shape& shape = context.result.shape;
  size_t at = 0;
  for (int64_t panel = 0; panel < shape[0]; ++panel)
    for (int64_t block = 0; block < shape[1]; ++block)
      for (int64_t tap = 0; tap < taps; ++tap)
        for (int64_t row = 0; row < shape[3]; ++row)
          for (int64_t o = 0; o < shape[4]; ++o, ++at) {
            const int64_t out = panel * packed.panel + o;
            const int64_t in = (packed.first_block(panel) + block) * packed.lanes + row;
            const int64_t group = out / packed.outputs_per_group();
            const int64_t in_group = packed.spread > 0 ? row : in - group * packed.inputs_per_group();
            if (out >= packed.outputs || in_group < 0 || in_group >= packed.inputs_per_group()) continue;
            context.result.values[at] =
                w.values[static_cast<size_t>((out * packed.inputs_per_group() + in_group) * taps + tap)];
          }
}

}  // namespace

OpInfo grouped_weight() {
  return {
      .op = Op::grouped_weight,
      .name = "grouped_weight",
      .kind = OpKind::other,
      .min_inputs = 1,
      .max_inputs = 1,
      .attributes = {{"groups", AttributeKind::integer, {}},
                     {"lanes", AttributeKind::integer, {}},
                     {"panel", AttributeKind::integer, {}},
                     {"spread", AttributeKind::integer, int64_t{0}}},
      .doc =
          "w[O, C/groups, KH, KW] packed for kernels that sum `lanes` input channels at a time for `panel` "
          "outputs: [panels, blocks of inputs, KH KW, inputs, outputs], zero between groups",
      .infer = infer_grouped_weight,
      .evaluate = evaluate_grouped_weight};
}

}  // namespace ops
}  // namespace rnc
