#include "passes/graph/precision_rules.h"

#include <fmt/ranges.h>

#include <array>
#include <set>

#include "ir/text/suggest.h"

namespace rnc {
namespace {

constexpr std::array kPrecisions = {DType::f32, DType::bf16};

DType parse_precision(std::string_view name) {
  std::vector<std::string_view> known;
  for (const DType dtype : kPrecisions) {
    if (contract::name(dtype) == name) return dtype;
    known.push_back(contract::name(dtype));
  }
  throw UserError({}, fmt::format("--precision: there is no precision '{}'; there are {}", name,
                                  fmt::join(known, " and ")));
}

}  // namespace

PrecisionRules parse_precision_rules(std::string_view text) {
  return parse_layer_rules<DType>("--precision", "PRECISION", text, parse_precision);
}

bool asks_for_less(const PrecisionRules& rules) {
  return std::ranges::any_of(
      rules, [](const LayerRule<DType>& rule) { return rule.value != contract::kDefaultReal; });
}

void check_precision_rules(const PrecisionRules& rules, const Module& module) {
  std::set<std::string> layers;
  for (const Graph& graph : module.entries) {
    for (const Node& node : graph.nodes) {
      if (!node.layer.empty()) layers.insert(node.layer);
    }
  }
  for (const LayerRule<DType>& rule : rules) {
    const auto fits = [&](const std::string& layer) { return text::fits(rule.pattern, layer); };
    if (rule.pattern.empty() || std::ranges::any_of(layers, fits)) continue;
    throw UserError(
        {}, fmt::format("--precision: there is no layer '{}'{}", rule.pattern,
                        text::suggestion(text::Wanted::other, rule.pattern, {layers.begin(), layers.end()})));
  }
}

}  // namespace rnc
