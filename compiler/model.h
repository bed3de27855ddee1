// All that code generation is given: the module, its lowered program and the target.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/target.h"
#include "ir/graph/graph.h"
#include "ir/graph/tensor_values.h"
#include "ir/loops/program.h"
#include "passes/report/layers.h"

namespace rnc {

// rn_model, or what a model with a name for linking calls it.
std::string descriptor_symbol(const std::string& link_name);

struct LoweredModel {
  const Module& module;           // after the pipeline: tensors with layouts
  const loops::Program& program;  // of its entries
  const Target& target;
  uint64_t graph_hash = 0;               // graph_hash(module as elaborated)
  bool debug = false;                    // -g
  std::vector<Layer> layers = {};        // layers_of(module as elaborated)
  const TensorValues* values = nullptr;  // that came with the module's tensors; null: none
  std::string variant = {};              // its name, where there is code for other targets beside it
  std::string link_name = {};            // that tells it from other models in a program
  bool standalone = false;               // without a host: see static_header.h

  // The kernel's function.
  std::string symbol(const loops::Kernel& kernel) const {
    const std::string name = variant.empty() ? kernel.name : kernel.name + "." + variant;
    return link_name.empty() ? name : link_name + "." + name;
  }
  // The descriptor.
  std::string symbol() const { return descriptor_symbol(link_name); }
};

// One model for several targets, best first: the graph hash, the layers and the values are the same.
using Variants = std::span<const LoweredModel>;

// Identifies what a checkpoint belongs to: the structure of the elaborated graph (entry "model") and the
// parameters and buffers. Dumps carry it (Module::hash); without that, entries stand for the model. Depends
// neither on target, options, layouts nor on names of intermediate values.
uint64_t graph_hash(const Module& module);

}  // namespace rnc
