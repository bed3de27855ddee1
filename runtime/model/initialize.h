// Initial values of a tensor, by PyTorch's formulas (torch.nn.init).
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/contract/abi.h"

namespace rnrun {

// The elements in plain order: those that came with the model, if some did (rn_tensor.values). Others depend on the seed,
// the tensor's name, shape and initialiser, and on nothing else:
//   constant(value)                        value (0 if not given)
//   uniform(bound)                         U(-bound, bound)
//   normal(mean = 0, std = 1)              N(mean, std)
//   kaiming_normal(mode = "fan_in")        N(0, sqrt(2 / fan)), the gain of ReLU
//   kaiming_uniform(a = 0, mode)           U(-b, b), b = sqrt(6 / ((1 + a^2) fan))
//   xavier_uniform                         U(-b, b), b = sqrt(6 / (fan_in + fan_out))
//   xavier_normal                          N(0, sqrt(2 / (fan_in + fan_out)))
// fan_in and fan_out are those of the shape [out, in, kernel...], unless given as arguments. Throws Error for
// an initialiser or argument it does not know, or a fan of a tensor of rank below 2.
std::vector<float> initial_values(const rn_tensor& tensor, uint64_t seed);

}  // namespace rnrun
