// The samples as networks small enough to be compiled and run by the dozen.
#pragma once

#include <string>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc::test {

// Every model of samples/ with its blocks, strides and shortcuts, but fewer of the blocks, narrower layers
// (12 channels for 64, 20 for 128, ...) and smaller images. What differs in nothing but its depth is the same
// network here, and there once.
std::vector<Module> narrow_samples();

}  // namespace rnc::test
