// Lines that say what the author of the model wrote, for reports. The statement is one of the graph language,
// on earlier layers and on tensors:
//   layer conv1 : f32[N, 16, 28, 28] = conv2d(x, conv1.weight, pad = 1) of 144 parameters, 112896 multiply_adds
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/loops/layer.h"
#include "ir/loops/text/parts.h"

namespace rnc::loops {

class LayerReader {
 public:
  // After the word "layer".
  void read(TokenStream& tokens, const SourceFile& source);
  std::vector<Layer> take() { return std::move(layers_); }

 private:
  // The arguments of the operation, to the closing bracket, whose end in the text it returns.
  size_t arguments(TokenStream& tokens, Layer& layer) const;

  std::vector<Layer> layers_;
  std::map<std::string, int32_t> index_;  // by name, with the '%' of generated ones
};

std::string print(const Layer& layer);

}  // namespace rnc::loops
