// The messages of ONNX's format, from Debian's libonnx.
#pragma once

#include <onnx/onnx_pb.h>

namespace rnc::onnx {

namespace proto = ::onnx;

}  // namespace rnc::onnx
