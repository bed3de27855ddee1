// Raw pixels for the images that a file takes as real numbers: `--image 'u8, mean=0.485 0.456 0.406, std=0.229 0.224
// 0.225'` compiles the normalisation in, as normalize in a spec does.
#pragma once

#include <string>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/onnx/inputs.h"

namespace rnc::onnx {

// (scale * pixel - mean) / std, with a mean and std for all channels or for each.
struct ImageRule {
  double scale = 1.0 / 255;
  std::vector<double> mean = {0}, std = {1};
  bool channels_last = false;  // the file takes [N, H, W, C]
};

// "u8", and what differs from the defaults, by comma: scale=1, mean=..., std=..., layout=nhwc. Throws UserError.
ImageRule parse_image(const std::string& text);

// The place of the input that is an image: the only one of real numbers with four dimensions. Throws UserError where
// there is none, or several.
size_t image_place(const std::vector<ModelInput>& inputs);

// Adds the input to the graph as u8[N, C, H, W]; what the file takes, of `type`, is returned. Throws UserError where a
// mean or std has not as many numbers as there are channels.
ValueId add_image(GraphBuilder& builder, const std::string& name, const Type& type, const ImageRule& rule);

}  // namespace rnc::onnx
