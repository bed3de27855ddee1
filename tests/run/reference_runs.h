// An entry of a module run by the reference interpreter with several precisions.
#pragma once

#include <array>
#include <vector>

#include "ir/graph/interpreter.h"

namespace rnc::test {

// Double precision, float, and coarser ones.
inline constexpr std::array<int, 6> kDigits = {kDoubleDigits, kFloatDigits, 23, 22, 21, 20};

struct ReferenceRun {
  Tensors results;                // the last outputs, and the tensors that were assigned
  std::vector<size_t> decisions;  // of all ReLUs and max pools, step by step
};

// `steps` steps from these tensors, on the same inputs; the input "step" counts from 1. In the order of
// kDigits.
std::array<ReferenceRun, kDigits.size()> reference_runs(const Graph& graph, int64_t batch,
                                                        const Tensors& inputs, const Tensors& tensors,
                                                        int steps);

// How far the double run's result is from that of a float32 implementation, as the coarser runs tell.
struct Uncertainty {
  double error = 0;    // L2 norm
  bool finite = true;  // whether all agree on which elements are finite, and all are far from overflow
};
Uncertainty uncertainty(const std::array<ReferenceRun, kDigits.size()>& runs, const std::string& result);

bool same_decisions(const std::array<ReferenceRun, kDigits.size()>& runs);

// The L2 norm of what is finite in both; infinity where only one of two elements is finite.
double distance(const TensorData& a, const TensorData& b);
double norm(const TensorData& a);

}  // namespace rnc::test
