// Every operation alone, compiled for each CPU this machine can run, against the reference interpreter:
// channel counts around vector widths, kernels of 1x1 to 7x7, maps of 1 to 15 pixels a side.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "ir/ops/conv_algorithm.h"
#include "ir/ops/op.h"
#include "ir/text/text.h"
#include "tests/run/compiled_model.h"
#include "tests/run/operation_cases.h"
#include "tests/support/evaluate.h"
#include "tests/support/model_builder.h"
#include "tests/support/random.h"

using namespace rnc;
using namespace rnc::test;

namespace {

double value(Random& random, Fill fill) {
  switch (fill) {
    case Fill::positive:
      return random.uniform(0.5, 1.5);
    case Fill::few_values:
      return std::round(2 * random.normal()) / 2;
    case Fill::with_nan:
      if (random.chance(0.05)) return std::numeric_limits<double>::quiet_NaN();
      [[fallthrough]];
    case Fill::normal:
      return random.normal();
    case Fill::wide:
      return 6 * random.normal();
  }
  unreachable("fill");
}

Tensors operands(const Graph& graph, int64_t batch, Fill fill, Random& random) {
  Tensors tensors;
  for (const Node& node : graph.nodes) {
    if (node.op != Op::input && node.op != Op::state) continue;
    TensorData& data = tensors[node.name];
    data.shape = concrete(node.type.shape, batch);
    data.values.resize(static_cast<size_t>(elements_per_sample(data.shape)));
    for (double& x : data.values) {
      switch (node.type.dtype) {
        case DType::f32:
          x = static_cast<double>(static_cast<float>(value(random, fill)));
          break;
        case DType::u8:
          x = static_cast<double>(random.integer(0, 255));
          break;
        case DType::i32:
          x = static_cast<double>(random.integer(0, kLabels - 1));
          break;
        default:
          x = value(random, fill);
      }
    }
  }
  return tensors;
}

// The cases of `seed`, each alone, for one CPU.
void check_operations(uint64_t seed, const std::string& cpu, int64_t first_size) {
  CAPTURE(cpu);
  CAPTURE(seed);
  OperationCases cases(seed, first_size);
  cases.add_all();
  for (const Op op : all_ops()) {
    CAPTURE(rnc::name(op));
    const bool alone = op != Op::input && op != Op::state && op != Op::constant && op != Op::relayout;
    const bool of_batches = op == Op::dropout_mask;  // these two are replaced as entries are made:
    if (op == Op::dropout || op == Op::drop_path) continue;
    CHECK(cases.operations().contains(op) == (alone && (!of_batches || first_size == kBatch)));
  }
  const CompiledModel model(cases.module(), cpu);
  Random random(seed);
  for (const Graph& graph : cases.module().entries) {
    CAPTURE(graph.name);
    for (const int64_t batch : {1, 2, 5, 16}) {
      if (first_size != kBatch && batch > 1) continue;
      if (first_size == kBatch && batch < model.min_batch(graph.name)) continue;  // refused
      CAPTURE(batch);
      const Tensors inputs = operands(graph, batch, cases.fill(graph.name), random);
      const Tensors expected = interpret(graph, batch, inputs, inputs).outputs;
      const auto run = [&](int threads) { return model.outputs(graph.name, inputs, inputs, threads); };
      const Tensors result = run(1);
      const double error = relative_error(result, expected, nullptr, 1e-2);
      CAPTURE(print(graph, graph.nodes.back()));
      CHECK(error < 1e-4);
      for (const int threads : {2, 3, 7}) CHECK(same_bits(result, run(threads)));
    }
  }
}

}  // namespace

TEST_CASE("operations: compiled code computes what the interpreter does, for any number of threads") {
  uint64_t seed = first_seed();
  for (const std::string& cpu : runnable_cpus()) check_operations(++seed, cpu, kBatch);
}

TEST_CASE("operations on values without a batch, as those of parameters, whose first size is a number") {
  uint64_t seed = first_seed();
  for (const std::string& cpu : runnable_cpus()) {
    for (const int64_t size : {1, 3, 8}) check_operations(++seed, cpu, size);
  }
}
