// The reference interpreter: what a graph means, computed naively in double precision. It shares no code with
// lowering, so that compiled code can be checked against it. Layouts and fused kernels are ignored.
//
// It can also compute with fewer binary digits: then every element of a result, and every sum after each of its terms,
// is rounded to that many. With the 24 of a float, its distance from double precision is what a careful float32
// implementation may have. What is stored as bf16 is rounded to that.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/graph/graph.h"

namespace rnc {

// A tensor's value: row-major, every size a number. u8 and i32 elements are held as doubles too.
struct TensorData {
  Shape shape;
  std::vector<double> values;
};
using Tensors = std::map<std::string, TensorData>;

// Binary digits of the numbers it computes with.
inline constexpr int kDoubleDigits = 53, kFloatDigits = 24, kBf16Digits = 8;
// `value` with so many; its exponent may be any. Dekker 1971: what is left of the sum with a multiple of the
// value has lost the digits below.
inline double rounded(double value, int digits) {
  if (digits >= kDoubleDigits) return value;
  const double large = value * static_cast<double>((uint64_t{1} << (kDoubleDigits - digits)) + 1);
  return std::isfinite(large) ? large - (large - value) : value;
}

// What an operation's `evaluate` is given: the node, its operands, and the result to fill, which has its
// shape and is filled with zeros.
struct EvalContext {
  const Node& node;
  int64_t batch;
  std::vector<const TensorData*> inputs;
  TensorData result;
  int digits = kDoubleDigits;

  // Adds a term to a sum: all sums over elements are made with it.
  void accumulate(double& sum, double term) const { sum = rounded(sum + term, digits); }
};

struct Interpretation {
  Tensors outputs;                 // by output name
  Tensors assigned;                // module tensors that took a new value, by name
  std::vector<TensorData> values;  // of every node
};

// Runs the entry `graph` with N = `batch`. `inputs` are the entry's arguments by name, `tensors` the values of the
// module tensors it reads. A missing tensor, or one of the wrong shape, is a failed check.
Interpretation interpret(const Graph& graph, int64_t batch, const Tensors& inputs, const Tensors& tensors,
                         int digits = kDoubleDigits);

// `shape` with the batch replaced by its size.
Shape concrete(Shape shape, int64_t batch);

}  // namespace rnc
