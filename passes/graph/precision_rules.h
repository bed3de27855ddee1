// What --precision asks for: the type as which the values between kernels are stored, by the layer that computes them.
#pragma once

#include "ir/graph/graph.h"
#include "passes/graph/layer_rules.h"

namespace rnc {

using PrecisionRules = LayerRules<DType>;

// "bf16", "layer1.*=f32": f32 or bf16. Throws UserError.
PrecisionRules parse_precision_rules(std::string_view text);

// Whether some layer is asked to store its values in fewer bytes.
bool asks_for_less(const PrecisionRules& rules);

// Throws UserError for a pattern that fits no layer of the module.
void check_precision_rules(const PrecisionRules& rules, const Module& module);

}  // namespace rnc
