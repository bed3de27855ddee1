// The inputs of a model: which are arguments, and what stands for the batch.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/onnx/proto.h"

namespace rnc::onnx {

struct ModelInput {
  std::string name;
  Type type;
};

struct ModelInputs {
  std::vector<ModelInput> inputs;  // as in the file: a first size that is open is kBatch
  // The number that the first sizes of all inputs are, so that it may stand for the batch; 0: there is none.
  int64_t exported_batch = 0;
  // The inputs with kBatch for their first sizes.
  std::vector<ModelInput> batched() const;
};

// `initializers`: names that are no arguments, as the first versions of the format list them. `set`: sizes by the names
// of dimensions. Throws UserError where an input is no tensor of numbers that a model takes, or where a size besides the
// batch is open.
ModelInputs read_inputs(const proto::GraphProto& graph, const std::set<std::string>& initializers,
                        const std::map<std::string, std::string>& set, const std::string& file);

}  // namespace rnc::onnx
