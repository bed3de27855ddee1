// What --conv asks for: the algorithm by which a convolution is computed, in all its directions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc {

// Winograd's by its tile: F(2 x 2, 3 x 3) and so on. automatic: what should take the least time.
enum class ConvAlgorithm : uint8_t { automatic, direct, winograd2, winograd3, winograd4 };

// The layers that `pattern` fits (ir/text/pattern.h); empty: all.
struct ConvRule {
  std::string pattern;
  ConvAlgorithm algorithm = ConvAlgorithm::automatic;
};
using ConvRules = std::vector<ConvRule>;

// "direct", "layer1=direct,layer2.*.conv1=winograd4": by comma, an algorithm for all layers or
// PATTERN=ALGORITHM; of several that fit a layer, the last holds. Throws UserError.
ConvRules parse_conv_rules(std::string_view text);

ConvAlgorithm algorithm_for(const ConvRules& rules, std::string_view layer);

// Throws UserError for a pattern that fits no convolution of the module, or none that its algorithm can
// compute.
void check_conv_rules(const ConvRules& rules, const Module& module);

}  // namespace rnc
