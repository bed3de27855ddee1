// Operations on each element by itself, whose operands spread over each other as ONNX and NumPy have it: dimensions are
// counted from the last.
#pragma once

#include "ir/onnx/call.h"

namespace rnc::onnx {

// The operands as the graph's operations spread them: with as many dimensions as the largest, or, where one is a value
// per channel, a vector.
std::vector<ValueId> spread(Call& call, std::vector<ValueId> operands);

// The operation of all operands of a node; of initializers `kind` is made.
Values elementwise(Call& call, Op op, TensorKind kind = TensorKind::buffer);

}  // namespace rnc::onnx
