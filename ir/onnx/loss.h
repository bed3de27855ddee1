// The loss that a file in ONNX does not have: how the prediction is compared with labels.
#pragma once

#include <string>

#include "ir/graph/graph.h"

namespace rnc::onnx {

// Adds an input `label`, i32 without the classes' dimension, and the loss of that name to the model's graph:
// "cross_entropy", the mean over samples of the logits' or, where the model ends in a softmax, of what that is made of.
// Throws UserError where there is no such loss, or the prediction is no value per class.
void add_loss(Module& module, const std::string& loss);

}  // namespace rnc::onnx
