// The pictures of a data set as what a model is to make, of samples that are made of them (degrade.h).
#pragma once

#include <memory>
#include <string>

#include "runtime/data/dataset.h"

namespace rnrun {

// The field "image" of `data` under another name, and nothing else.
std::unique_ptr<const Dataset> as_targets(std::unique_ptr<const Dataset> data, std::string name,
                                          const Degradation& degradation);

}  // namespace rnrun
