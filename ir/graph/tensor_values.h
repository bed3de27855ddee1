// Values that come with a module's tensors from elsewhere, in place of what their initialisers make when training begins.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rnc {

// By the names of tensors: the elements in row-major order.
using TensorValues = std::map<std::string, std::shared_ptr<const std::vector<float>>>;

}  // namespace rnc
