// The table of --emit=summary: what a model is made of.
#pragma once

#include <string>

#include "ir/graph.h"

namespace rnc {

// Multiply-adds of a convolution or matrix product, per sample; 0 for other operations.
int64_t multiply_adds_per_sample(const Graph& graph, const Node& node);

// A line per operation of the forward pass (entry "model", or "infer" where derived) in execution order:
// name, operation, result, elements of the parameters and buffers it is the first to read, and multiply-adds
// per sample; then the totals. Ends in a newline.
std::string summary(const Module& module);

}  // namespace rnc
