// Names for -g: what a debugger or profiler shows names the layer.
#pragma once

#include "ir/loops/program.h"

namespace rnc {

// The same program, but no two layers share a kernel, each kernel's name begins with its layer's, and its location is
// that of the layer: "layer1.0.conv1.conv_3x3s1_64_64_56x56". Costs code size, hence only with -g.
loops::Program kernels_by_layer(const loops::Program& program);

}  // namespace rnc
