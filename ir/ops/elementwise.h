// What rows of elementwise operations are made with.
#pragma once

#include "ir/ops/ops.h"

namespace rnc::ops {

using Gradients = std::vector<ValueId>;

// The gradients that the formula's derivatives give; none to an operand that the result does not change with.
Gradients gradient_of_formula(GraphBuilder& builder, ValueId forward, ValueId dy);

// Rows: of operands that spread over the largest (infer_spread), of one operand, and of two. Without a formula, it is
// made of the attributes (OpInfo::formula_with).
OpInfo elementwise(Op op, std::string_view name, int inputs, std::string_view doc,
                   std::optional<Formula> formula);
OpInfo unary(Op op, std::string_view name, std::string_view doc, std::optional<Formula> formula,
             decltype(OpInfo::gradient) gradient = gradient_of_formula);
OpInfo binary(Op op, std::string_view name, std::string_view doc, std::optional<Formula> formula,
              decltype(OpInfo::gradient) gradient = gradient_of_formula);

}  // namespace rnc::ops
