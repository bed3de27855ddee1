// Where the data of a model's initializers go: into its file, or into one beside it, of which ONNX says
// (docs/ExternalData.md) how the model names it.
#pragma once

#include <string>
#include <vector>

#include "ir/onnx/export/export.h"
#include "ir/onnx/proto.h"

namespace rnc::onnx {

// The bytes of both. `data`: of the elements of each initializer of the model, in their order. The large ones go into
// the other file where the options want that, or all would be more than a model's file holds; throws UserError where the
// options name none.
ExportedFiles files_of(proto::ModelProto& model, std::vector<std::string> data, const ExportOptions& options);

}  // namespace rnc::onnx
