// Running entries in the reference interpreter, and comparing what they give.
#pragma once

#include <string>

#include "ir/graph/interpreter.h"

namespace rnc::test {

// Outputs and new tensors of an entry, the latter as "assign.NAME". Prepared tensors are computed first, by
// entry prepare.
Tensors evaluate(const Module& module, std::string_view entry, int64_t batch, const Tensors& inputs,
                 Tensors tensors);

// |a - b| / max(|b|, floor) in the L2 norm; infinity where shapes differ or only one is finite. NaN equals
// NaN. The floor is for values that exact arithmetic makes zero, such as the gradient of a bias before a
// batch norm.
double relative_error(const TensorData& a, const TensorData& b, double floor = 0);

// The largest relative error over all names; infinity where a name is missing on one side. `worst`, if given,
// takes the name.
double relative_error(const Tensors& a, const Tensors& b, std::string* worst = nullptr, double floor = 0);

// Whether the same names have the same values, bit by bit.
bool same_bits(const Tensors& a, const Tensors& b);

}  // namespace rnc::test
