// What --conv asks for: the algorithm by which a convolution is computed, in all its directions.
#pragma once

#include <cstdint>
#include <string_view>

#include "ir/graph/graph.h"
#include "ir/ops/conv_algorithm.h"
#include "passes/graph/layer_rules.h"

namespace rnc {

using ConvRules = LayerRules<ConvAlgorithm>;

// "direct", "layer1=direct,layer2.*.conv1=winograd4". Throws UserError.
ConvRules parse_conv_rules(std::string_view text);

// automatic where no rule fits: what should take the least time.
ConvAlgorithm algorithm_for(const ConvRules& rules, std::string_view layer);

// Throws UserError for a pattern that fits no convolution of the module, or none that its algorithm can
// compute.
void check_conv_rules(const ConvRules& rules, const Module& module);

}  // namespace rnc
