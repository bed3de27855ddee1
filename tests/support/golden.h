// The golden files of tests/golden: what PyTorch computes in float64 for small models. make_golden.py there
// says what each file holds and how it was made.
#pragma once

#include <string>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/graph/interpreter.h"

namespace rnc::test {

struct Golden {
  std::string directory;  // of the case; "model.graph" is in it
  Module module;          // as elaborated: one entry, "model"
  int64_t batch = 0;
  Tensors inputs;      // arguments of the entries but for the update's scalars
  Tensors parameters;  // parameters and buffers to start from
  Tensors loss;        // what the entries give: outputs, and new tensors by their names
  Tensors backward;
  Tensors train_step;  // after `steps` steps on the same batch, with the recipe's learning rate
  int steps = 3;
};

// The directories of tests/golden, sorted.
std::vector<std::string> golden_cases();
Golden load_golden(const std::string& name);

// A safetensors file's tensors, as the interpreter holds them.
Tensors load_tensors(const std::string& path);

}  // namespace rnc::test
