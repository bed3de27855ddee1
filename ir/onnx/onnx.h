// The front end for ONNX (https://onnx.ai): a model file becomes the module that a spec of the same network would
// make. Operators are rows of tables (ir/onnx/operators.h); opsets 6 to 21 of the default domain are read.
//
// The first dimension of every input is the batch. What depends on shapes and constants alone is evaluated while
// reading (ir/onnx/constant.h). Initializers become parameters where layers read them, else buffers, under their own
// names.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/graph/tensor_values.h"

namespace rnc::onnx {

// What the command line says of a model.
struct ImportOptions {
  std::map<std::string, std::string> set;  // sizes of dimensions that have names instead: height=224
  std::string optimizer;                   // as ElaborateOptions has it
  std::string loss;                        // "cross_entropy", of the first output; empty: none
  std::vector<std::string> freeze;
  std::vector<std::string> heads;  // "fc=10": see ir/onnx/head.h
  std::string image;               // "u8, mean=..., std=...": see ir/onnx/image.h; empty: as in the file
  std::string classes;  // a file with the names of classes: see ir/onnx/classes.h; empty: there are none
  // What the user should know: a kind of message, and its text.
  std::function<void(std::string_view kind, const std::string& text)> tell = [](auto, const auto&) {};
};

// Whether a file is taken for ONNX: its name ends in .onnx, or it begins as one does and no text does.
bool is_model_file(const std::string& path);

struct Import {
  Module module;
  TensorValues values;  // of its parameters and buffers, but for those of new heads
};

// Reads a model with one entry, "model". Throws UserError, naming the file: where it cannot be read or is no such
// model, and for all nodes that cannot be read at once, each with its operator, opset, attributes and shapes.
Import import_file(const std::string& path, const ImportOptions& options);

// The same of a file's bytes; external data are looked for in `directory` (none where it is empty). `name` is for
// messages, and for the model by its stem.
Import import_bytes(std::string_view bytes, const std::string& name, const std::string& directory,
                    const ImportOptions& options);

}  // namespace rnc::onnx
