// Which layers a library explains: of these the entry of role `explain` gives the result and the gradient of the
// prediction to it, what Grad-CAM is made of (Selvaraju et al. 2017).
#pragma once

#include <string>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc {

// Marks the layers in the entry "model": each becomes an output of role `activation`, of which derive_entries makes the
// entry. A layer is named as in --emit=summary; the name of a block is that of the last layer in it; "" is the last
// feature map of more than one pixel that the prediction is computed from, before the pooling at its end. Throws UserError
// unless the first prediction is f32[N, K] and it is computed from the layer, an f32[N, C, H, W].
void explain_layers(Module& module, const std::vector<std::string>& layers);

}  // namespace rnc
