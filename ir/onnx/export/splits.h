// Slices that between them cut a value into parts along one dimension: ONNX has one operator for all of them.
#pragma once

#include <map>
#include <vector>

#include "ir/onnx/export/operation.h"

namespace rnc::onnx {

// The parts in their order along the dimension, by the one that stands first in the graph. `is_written`: nodes that are
// something else's.
std::map<ValueId, std::vector<ValueId>> find_splits(const Graph& graph, const std::vector<bool>& is_written);

// Of any of the parts.
void write_split(Operation& operation, const std::vector<ValueId>& parts);

}  // namespace rnc::onnx
