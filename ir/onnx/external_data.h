// Data of tensors that lie in a file beside the model (ONNX: docs/ExternalData.md).
#pragma once

#include <string>

#include "ir/onnx/proto.h"

namespace rnc::onnx {

// `bytes` is how many the tensor has. Throws UserError naming the tensor: a location must be a relative path without
// "..", to a regular file that lies in `directory`, links followed, and has the bytes.
std::string read_external_data(const proto::TensorProto& tensor, const std::string& directory, int64_t bytes);

}  // namespace rnc::onnx
