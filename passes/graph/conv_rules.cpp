#include "passes/graph/conv_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ir/text/suggest.h"
#include "passes/lower/conv/winograd/winograd.h"

namespace rnc {
namespace {

ConvAlgorithm parse_algorithm(std::string_view name) {
  if (const auto algorithm = find_conv_algorithm(name)) return *algorithm;
  throw UserError({}, fmt::format("--conv: there is no algorithm '{}'; there are {}", name,
                                  fmt::join(kConvAlgorithms, ", ")));
}

bool can_compute(ConvAlgorithm algorithm, const ConvShape& shape) {
  return tile_of(algorithm) == 0 || winograd_shape(shape);
}

std::string describe(const ConvShape& s) {
  std::string text = fmt::format("{}x{} of stride {} and pad {}, from {} to {} channels", s.h.kernel,
                                 s.w.kernel, s.h.stride, s.h.pad, s.channels, s.outputs);
  if (s.groups > 1) text += fmt::format(" in {} groups", s.groups);
  if (s.h.dilation > 1) text += fmt::format(", dilation {}", s.h.dilation);
  return text;
}

std::vector<ConvShape> convolutions(const Module& module) {
  std::vector<ConvShape> shapes;
  for (const Graph& graph : module.entries) {
    for (const Node& node : graph.nodes) {
      if (node.op == Op::conv2d) shapes.push_back(conv_shape(graph, node));
    }
  }
  return shapes;
}

}  // namespace

ConvRules parse_conv_rules(std::string_view text) {
  return parse_layer_rules<ConvAlgorithm>("--conv", "ALGORITHM", text, parse_algorithm);
}

ConvAlgorithm algorithm_for(const ConvRules& rules, std::string_view layer) {
  return value_for(rules, layer, ConvAlgorithm::automatic);
}

void check_conv_rules(const ConvRules& rules, const Module& module) {
  const std::vector<ConvShape> shapes = convolutions(module);
  for (const LayerRule<ConvAlgorithm>& rule : rules) {
    if (rule.pattern.empty()) continue;
    const ConvShape* found = nullptr;
    bool possible = false;
    for (const ConvShape& shape : shapes) {
      if (!text::fits(rule.pattern, shape.layer)) continue;
      if (found == nullptr) found = &shape;
      possible |= can_compute(rule.value, shape);
    }
    if (found == nullptr) {
      std::vector<std::string> layers;
      for (const ConvShape& shape : shapes) layers.push_back(shape.layer);
      throw UserError({}, fmt::format("--conv: there is no convolution '{}'{}", rule.pattern,
                                      text::suggestion(text::Wanted::other, rule.pattern, layers)));
    }
    if (!possible) {
      throw UserError({}, fmt::format("--conv: {} cannot compute {}: {} is {}; it takes {}", name(rule.value),
                                      rule.pattern, found->layer, describe(*found), kWinogradTakes));
    }
  }
}

}  // namespace rnc
