// What files spell out in several nodes and the graph has one operation for: images of bytes that are resized as Pillow
// does, in whole numbers, and pixels that are normalised. The export writes them so (ir/onnx/export/image.cpp).
#pragma once

#include <string>

#include "ir/onnx/proto.h"

namespace rnc::onnx {

inline constexpr char kOwnDomain[] = "rnc";  // of operators that files do not have
inline constexpr char kResizeBytes[] = "rnc.ResizeBytes", kNormalize[] = "rnc.Normalize";

// In place of such nodes there is then one: kResizeBytes, with attributes `from` and `size`, {height, width}, or
// kNormalize, with `mean` and `std` of channels. `directory`: of external data.
void join_nodes(proto::GraphProto& graph, const std::string& directory);

}  // namespace rnc::onnx
