// New heads: `--head fc=10` gives the last linear layer of a file, which is called fc, ten outputs with new initial
// values, for a training that goes on from the other layers' values.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/onnx/proto.h"

namespace rnc::onnx {

// Changes the sizes of the weights and biases of these heads, each "NAME=OUTPUTS", in the file's graph. A head is a
// matrix product or convolution with a weight of its own, behind which there is no other; its name is as layer_name has
// it, or its node's. Returns the initialisers of the tensors that have new sizes, and no values any more, by their names,
// and tells what was replaced. Throws UserError where there is no such head, with those there are.
std::map<std::string, Initializer> replace_heads(proto::GraphProto& graph,
                                                 const std::vector<std::string>& heads,
                                                 const std::function<void(const std::string&)>& tell);

}  // namespace rnc::onnx
