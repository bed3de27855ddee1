// pad = "same" and pad = "valid" of convolutions and pools.
#pragma once

#include "ir/graph/graph.h"
#include "ir/text/syntax.h"

namespace rnc::text {

// Where `attributes` of a call, not complete yet, say pad = "same", makes it as many rows and columns that ceil(size /
// stride) windows fit x, the odd one behind (TensorFlow's, and at stride 1 PyTorch's). The kernel is that of `weight`, or
// an attribute. "valid" is no padding.
void resolve_pad_word(const Expr& call, const Type& x, const Type* weight, Attributes& attributes);

}  // namespace rnc::text
