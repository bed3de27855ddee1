// The reference interpreter: what a graph means, computed naively in double precision. It shares no code with
// lowering, so that compiled code can be checked against it. Layouts and fused kernels are ignored.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace rnc {

// A tensor's value: row-major, every size a number. u8 and i32 elements are held as doubles too.
struct TensorData {
  Shape shape;
  std::vector<double> values;
};
using Tensors = std::map<std::string, TensorData>;

// What an operation's `evaluate` is given: the node, its operands, and the result to fill, which has its
// shape and is filled with zeros.
struct EvalContext {
  const Node& node;
  int64_t batch;
  std::vector<const TensorData*> inputs;
  TensorData result;
};

struct Interpretation {
  Tensors outputs;                 // by output name
  Tensors assigned;                // module tensors that took a new value, by name
  std::vector<TensorData> values;  // of every node
};

// Runs the entry `graph` with N = `batch`. `inputs` are the entry's arguments by name, `tensors`
// the values of the module tensors it reads. A missing tensor or one of the wrong shape is a failed check.
Interpretation interpret(const Graph& graph, int64_t batch, const Tensors& inputs, const Tensors& tensors);

// `shape` with the batch replaced by its size.
Shape concrete(Shape shape, int64_t batch);

}  // namespace rnc
