// CIFAR-10 and CIFAR-100, "binary version" (https://www.cs.toronto.edu/~kriz/cifar.html): records of label
// bytes and 3x32x32 pixels. CIFAR-100 has two labels, of which the second, the fine one, is used.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/data/data_options.h"
#include "runtime/data/dataset.h"

namespace rnrun {

enum class Cifar { ten, hundred };

// The records of all files, in order. Sizes and labels are checked. Throws Error "<path>: <what is wrong>".
std::unique_ptr<const Dataset> read_cifar(const std::vector<std::string>& paths, Cifar kind,
                                          const DataOptions& options);

}  // namespace rnrun
