// What --conv asks for: the algorithm by which a convolution is computed, in all its directions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/ops/conv_algorithm.h"

namespace rnc {

// The layers that `pattern` fits (ir/text/pattern.h); empty: all.
struct ConvRule {
  std::string pattern;
  ConvAlgorithm algorithm = ConvAlgorithm::automatic;
};
using ConvRules = std::vector<ConvRule>;

// "direct", "layer1=direct,layer2.*.conv1=winograd4": by comma, an algorithm for all layers or
// PATTERN=ALGORITHM; of several that fit a layer, the last holds. Throws UserError.
ConvRules parse_conv_rules(std::string_view text);

// automatic where no rule fits: what should take the least time.
ConvAlgorithm algorithm_for(const ConvRules& rules, std::string_view layer);

// Throws UserError for a pattern that fits no convolution of the module, or none that its algorithm can
// compute.
void check_conv_rules(const ConvRules& rules, const Module& module);

}  // namespace rnc
