#include "passes/lower/padding_lanes.h"

#include <algorithm>
#include <array>

#include "ir/graph/interpreter.h"

namespace rnc {
namespace {

// Evaluations with other numbers in place of what is not known: a result that is zero in all of them is taken
// to be zero. The first has zeros (a divisor may be zero), the second ones.
constexpr size_t kTrials = 6;
using Trials = std::array<double, kTrials>;

// Numbers of both signs, others for each value.
Trials anything(ValueId v) {
  Trials trials = {0, 1};
  for (size_t t = 2; t < kTrials; ++t) {
    const double size = 0.3 + 0.7 * static_cast<double>((static_cast<size_t>(v) * 7 + t * 5) % 13);
    trials[t] = t % 2 == 0 ? size : -size;
  }
  return trials;
}

// The operation on one element, with these operands.
double evaluated(const Node& node, const std::vector<double>& operands) {
  std::vector<TensorData> data;
  for (const double operand : operands) data.push_back({{}, {operand}});
  EvalContext context{.node = node, .batch = 1, .result = {{}, {0.0}}};
  for (const TensorData& operand : data) context.inputs.push_back(&operand);
  info(node.op).evaluate(context);
  return context.result.values[0];
}

}  // namespace

bool has_padding_lanes(const Type& type) {
  return std::ranges::any_of(type.layout.blocks, [&](const Layout::Block& block) {
    const int64_t size = type.shape[static_cast<size_t>(block.dim)];
    return size != kBatch && size % type.layout.block(block.dim) != 0;
  });
}

std::set<ValueId> values_to_mask(const Lowering& lowering, const Group& nodes, const Shape& domain,
                                 bool lanes_along_channels, const std::set<ValueId>& leaving) {
  std::map<ValueId, Trials> known;
  const auto operand = [&](ValueId u) -> const Trials& {
    const auto found = known.find(u);
    if (found != known.end()) return found->second;
    const Type& type = lowering.type(u);
    // Values that spread over others keep the rule where they have their channels; of one, all lanes have its value.
    const bool same_channels = type.rank() == static_cast<int>(domain.size()) && domain.size() > 1 &&
                               domain[1] > 1 && type.shape[1] == domain[1];
    const bool zero = type.shape == domain || ((type.rank() == 1 || same_channels) && lanes_along_channels);
    return known[u] = zero ? Trials{} : anything(u);
  };
  std::set<ValueId> masked;
  for (const ValueId v : nodes) {
    const Node& node = lowering.node(v);
    Trials result = anything(v);
    for (size_t t = 0; t < kTrials && !info(node.op).reads_shape_only; ++t) {
      std::vector<double> operands;
      for (const ValueId u : node.inputs) operands.push_back(operand(u)[t]);
      result[t] = evaluated(node, operands);
    }
    const bool zero = std::ranges::all_of(result, [](double x) { return x == 0; });
    if (!zero && leaving.contains(v)) {
      masked.insert(v);
      result = {};
    }
    known[v] = result;
  }
  return masked;
}

}  // namespace rnc
