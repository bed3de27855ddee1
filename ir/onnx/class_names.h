// The names of classes in a model file, which ONNX itself has no place for: those that rnc has written there.
#pragma once

#include <string>
#include <vector>

#include "ir/onnx/proto.h"

namespace rnc::onnx {

// In the metadata, by the key "classes": a JSON array of strings, as in checkpoints.
void set_class_names(proto::ModelProto& model, const std::vector<std::string>& names);

// None if the file has none, or another program wrote it, whose metadata may mean anything. Throws UserError naming `file`
// where they are damaged.
std::vector<std::string> class_names(const proto::ModelProto& model, const std::string& file);

// The name by which rnc's files say that it has made them.
inline constexpr const char* kProducer = "rnc";

}  // namespace rnc::onnx
