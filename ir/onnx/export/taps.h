// Taps of rows and columns (ir/ops/resample.h) as matrices, for maps that are products with them.
#pragma once

#include "ir/onnx/export/operation.h"
#include "ir/ops/resample.h"

namespace rnc::onnx {

// An initializer: of rows (dimension 0) a row for each place of the result, of columns (1) a column for each.
std::string matrix_of(Operation& op, const AxisTaps& taps, size_t dimension, DType type);

// A resize of bytes.
void resize_bytes(Operation& op);

}  // namespace rnc::onnx
