// Layers: operations that bring parameters of their own, named and initialised as PyTorch's. Every front end
// makes them from this table.
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc {

// A parameter or buffer of a layer: tensor LAYER.part.
struct LayerTensor {
  std::string_view part;  // "weight"
  Shape shape;
  Initializer initializer;
  TensorKind kind = TensorKind::parameter;
  bool is_fixed = false;  // no tensor of the model, but the constant that it would be initialised with
};

struct LayerInfo {
  Op op;
  bool has_outputs;                          // is told its number of outputs: conv2d(x, 64)
  std::vector<AttributeSpec> settings;       // beside the operation's own attributes
  std::vector<std::string_view> parameters;  // that it may have, by their parts
  // The operands behind x. `attributes` are the operation's as given, complete or not, and all the settings.
  // Sizes that make no sense are left for the operation's shape rule to complain about.
  std::vector<LayerTensor> (*tensors)(const Type& x, int64_t outputs, const Attributes& attributes);
  // Of a setting that is true, the attribute that has no meaning beside it: cumulative, momentum.
  std::pair<std::string_view, std::string_view> excludes = {};
};

std::span<const LayerInfo> layers();
const LayerInfo* find_layer(Op);  // null if the operation is none

}  // namespace rnc
