// Sizes that reshape finds by itself.
#pragma once

#include "ir/graph/graph.h"
#include "ir/text/syntax.h"

namespace rnc::text {

// In the shape that a call of reshape gives, -1 in front of a value with a batch is the batch; one other -1, of a value
// without a batch any, becomes what the other sizes leave of its elements, as NumPy has it. UserError where they leave no
// whole number.
void complete_shape(const Expr& call, const Type& x, Attributes& attributes);

}  // namespace rnc::text
