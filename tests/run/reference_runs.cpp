#include "tests/run/reference_runs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "ir/ops/op.h"

namespace rnc::test {
namespace {

// The interpreter's numbers have any exponent, floats have not: what grows so far (training that diverges)
// overflows in its squares.
constexpr double kLargest = 1e15;

using Runs = std::array<ReferenceRun, kDigits.size()>;

// For every window of a max pool, which element of `x` is the largest: what selecting from a map of positions
// gives.
std::vector<double> largest_elements(const Node& pool, int64_t batch, const TensorData& x,
                                     const TensorData& y) {
  TensorData positions = x;
  std::iota(positions.values.begin(), positions.values.end(), 0.0);
  EvalContext context{.node = pool, .batch = batch, .inputs = {&positions, &x}, .result = y};
  info(Op::max_pool_select).evaluate(context);
  return context.result.values;
}

void note_decisions(const Graph& graph, int64_t batch, const Interpretation& run,
                    std::vector<size_t>& decisions) {
  const auto value = [&](ValueId v) -> const TensorData& { return run.values[static_cast<size_t>(v)]; };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const TensorData& y = run.values[i];
    if (node.op == Op::relu) {
      for (const double element : y.values) decisions.push_back(element > 0);
    } else if (node.op == Op::max_pool) {
      for (const double position : largest_elements(node, batch, value(node.inputs[0]), y)) {
        decisions.push_back(static_cast<size_t>(position));
      }
    }
  }
}

ReferenceRun run_with(int digits, const Graph& graph, int64_t batch, Tensors inputs, Tensors tensors,
                      int steps) {
  ReferenceRun run;
  for (int step = 1; step <= steps; ++step) {
    if (inputs.contains("step")) inputs["step"].values = {static_cast<double>(step)};
    Interpretation once = interpret(graph, batch, inputs, tensors, digits);
    note_decisions(graph, batch, once, run.decisions);
    for (auto& [name, data] : once.assigned) tensors[name] = data;
    run.results = std::move(once.outputs);
    run.results.merge(once.assigned);
  }
  return run;
}

}  // namespace

Runs reference_runs(const Graph& graph, int64_t batch, const Tensors& inputs, const Tensors& tensors,
                    int steps) {
  Runs runs;
  for (size_t i = 0; i < kDigits.size(); ++i) {
    runs[i] = run_with(kDigits[i], graph, batch, inputs, tensors, steps);
  }
  return runs;
}

double distance(const TensorData& a, const TensorData& b) {
  check(a.values.size() == b.values.size(), "tensors of one size");
  double sum = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    const double x = a.values[i], y = b.values[i];
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    if (!std::isfinite(x) || !std::isfinite(y)) return std::numeric_limits<double>::infinity();
    sum += (x - y) * (x - y);
  }
  return std::sqrt(sum);
}

double norm(const TensorData& a) {
  double sum = 0;
  for (const double x : a.values) sum += std::isfinite(x) ? x * x : 0;
  return std::sqrt(sum);
}

Uncertainty uncertainty(const Runs& runs, const std::string& result) {
  Uncertainty most;
  most.finite = norm(runs[0].results.at(result)) < kLargest;
  for (size_t i = 1; i < kDigits.size(); ++i) {
    const double off = distance(runs[i].results.at(result), runs[0].results.at(result));
    most.finite = most.finite && std::isfinite(off);
    most.error = std::max(most.error, std::ldexp(off, kDigits[i] - kFloatDigits));
  }
  return most;
}

bool same_decisions(const Runs& runs) {
  return std::ranges::all_of(runs,
                             [&](const ReferenceRun& run) { return run.decisions == runs[0].decisions; });
}

}  // namespace rnc::test
