// The policies of AutoAugment (Cubuk et al., "AutoAugment: learning augmentation strategies from data", 2019), with
// torchvision's numbers.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "runtime/data/augment/policies.h"

namespace rnrun {

struct PolicyStep {
  Operation operation = Operation::identity;
  double probability = 0;
  int64_t bin = 0;  // of kPolicyBins magnitudes
};
inline constexpr int64_t kPolicyBins = 10;
using SubPolicy = std::array<PolicyStep, 2>;

std::span<const SubPolicy> sub_policies(AutoAugmentPolicy policy);

}  // namespace rnrun
