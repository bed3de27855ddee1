// A data set in a safetensors file: for each field that the model takes a tensor [M, ...] of its name, such as "image",
// u8[M, C, H, W], and "label", i32[M].
#pragma once

#include <memory>
#include <string>

#include "runtime/data/data_options.h"
#include "runtime/data/dataset.h"

namespace rnrun {

// Throws Error "<path>: <what is wrong>".
std::unique_ptr<const Dataset> read_tensor_file(const std::string& path, const DataOptions& options);

}  // namespace rnrun
