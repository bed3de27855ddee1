// The way back from a module to ONNX (https://onnx.ai): its inference entry becomes a model file with the values of the
// weights in it. The import (ir/onnx/onnx.h) reads what is written here.
//
// Operations are rows of tables (exporters.h). The first dimension stays the batch, "N". Only tensors of f32, u8, i32 and
// i64 are written, and those of truth values between comparisons and Where.
#pragma once

#include <cstdint>
#include <string>

#include "ir/graph/graph.h"
#include "ir/graph/interpreter.h"

namespace rnc::onnx {

inline constexpr int64_t kOldestExport = 13, kUsualExport = 17, kNewestExport = 21;  // opsets

struct ExportOptions {
  int64_t opset = kUsualExport;
  // An input of bytes becomes one of f32, which takes what `normalize` makes of them, of the size that it has there:
  // (pixel / 255 - mean) / std by channel.
  bool float_input = false;
  std::string producer_version;
  // The data of large weights go into a file beside the model's, which calls it so: always, or where the model would be
  // larger than the 2 GiB that its format holds. Empty: there can be none.
  std::string data_file;
  bool external_data = false;
};

struct ExportedFiles {
  std::string model, data;  // bytes; data is empty where there is no file beside
};

// The same bytes for the same module and values. `weights`: the values of the parameters and buffers that the
// inference entry reads; what entry prepare computes of them is evaluated here, in double precision, and written as f32.
// Throws UserError: for all operations that have no counterpart in ONNX at once, each at its place; where there is no
// inference entry; where a file of data is needed that has no name.
ExportedFiles export_model(const Module& module, const Tensors& weights, const ExportOptions& options);

}  // namespace rnc::onnx
