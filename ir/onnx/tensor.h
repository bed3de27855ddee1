// The numbers of a TensorProto: in the model, or in a file beside it.
#pragma once

#include <string>

#include "ir/onnx/constant.h"
#include "ir/onnx/proto.h"

namespace rnc::onnx {

// Real numbers become f32, whole ones and booleans i64. `directory`: where external data lie; empty: there are none.
// Throws UserError naming the tensor where the data are not of its shape, its type is no number, a number is beyond f32,
// or its file lies outside the directory.
Constant read_tensor(const proto::TensorProto& tensor, const std::string& directory);

// As many zeros as a tensor of real numbers has elements. Throws UserError where its sizes are those of no tensor.
Constant zeros_like(const proto::TensorProto& tensor);

}  // namespace rnc::onnx
