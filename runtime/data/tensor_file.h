// A data set in a safetensors file: tensors "image", u8[M, C, H, W], and "label", i32[M].
#pragma once

#include <memory>
#include <string>

#include "runtime/data/dataset.h"

namespace rnrun {

// Throws Error "<path>: <what is wrong>".
std::unique_ptr<const Dataset> read_tensor_file(const std::string& path, int64_t classes);

}  // namespace rnrun
