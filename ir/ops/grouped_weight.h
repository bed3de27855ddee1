// How the weight of a grouped convolution is packed for kernels that sum blocks of input channels for panels
// of outputs: [panels][blocks][taps][rows][panel], zero where an output and an input are of different groups.
#pragma once

#include <cstdint>

#include "ir/graph/graph.h"

namespace rnc {

struct GroupedWeight {
  int64_t outputs = 0, inputs = 0, groups = 1;
  int64_t lanes = 1;  // input channels of a block
  int64_t panel = 1;  // outputs of a panel
  // Inputs per group, where a panel is of whole groups and a row of it holds for each output one input of its
  // group (0: each row is one input channel).
  int64_t spread = 0;

  int64_t outputs_per_group() const { return outputs / groups; }
  int64_t inputs_per_group() const { return inputs / groups; }
  int64_t panels() const { return (outputs + panel - 1) / panel; }
  int64_t rows() const { return spread > 0 ? spread : lanes; }
  int64_t blocks() const;  // that any panel needs
  // The first block that a panel sums.
  int64_t first_block(int64_t of) const;
  Shape shape(int64_t taps) const { return {panels(), blocks(), taps, rows(), panel}; }
};

// As the attributes of a grouped_weight node say, for a weight of this shape.
GroupedWeight grouped_weight(const Node& node, const Shape& weight);

}  // namespace rnc
