// The layers of a file as its nodes have them: a matrix product or a convolution, its weight and its bias.
#pragma once

#include <string>
#include <vector>

#include "ir/onnx/proto.h"

namespace rnc::onnx {

struct WeightedNode {
  const proto::NodeProto* node = nullptr;
  proto::TensorProto* weight = nullptr;
  proto::TensorProto* bias = nullptr;  // of the node, or what is added to its result, as a vector; or null
  int outputs_axis = 0;                // of the weight
  bool is_shared = false;              // other nodes read the weight or the bias, too

  std::string name() const;  // as layer_name has it
  int64_t outputs() const { return weight->dims(outputs_axis); }
  // Numbers that one output is computed from; 0 where the sizes are those of no tensor.
  int64_t inputs() const;
};

// Those behind which there is no other, in the order of the file. Weights are initializers of two dimensions or more, or
// what Identity and Transpose of one make of them.
std::vector<WeightedNode> last_layers(proto::GraphProto& graph);

}  // namespace rnc::onnx
