// Which prediction a loss compares a target with, found out of the network's layers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/model/model.h"

namespace rnrun {

// For each target the prediction that it first meets, both by name. A target that meets several at once, or none that is
// predicted, as where a loss takes logits of which probabilities are predicted, has no entry.
std::map<std::string, std::string> loss_partners(const Model& model,
                                                 const std::vector<const rn_value*>& predictions,
                                                 const std::vector<const rn_value*>& targets);

}  // namespace rnrun
