// Compiled random networks against the reference interpreter, in every entry.
#include <doctest/doctest.h>

#include "passes/passes.h"
#include "tests/run/compiled_model.h"
#include "tests/support/evaluate.h"
#include "tests/support/random_graph.h"

using namespace rnc;
using namespace rnc::test;

namespace {

// Outputs of the entry and the tensors it assigns, by name.
Tensors expected_of(const Graph& graph, int64_t batch, const Tensors& inputs, const Tensors& tensors) {
  Interpretation result = interpret(graph, batch, inputs, tensors);
  result.outputs.merge(result.assigned);
  return result.outputs;
}

}  // namespace

TEST_CASE("random networks: compiled code computes what the graph means") {
  const std::vector<std::string> cpus = runnable_cpus();
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const std::string& cpu = cpus[seed % cpus.size()];
    const Module elaborated = random_module(seed);
    Module module = elaborated;
    derive_entries(module);
    differentiate(module);
    const CompiledModel model(elaborated, cpu);
    const Tensors tensors = random_tensors(module, seed);
    for (const Graph& graph : module.entries) {
      for (const int64_t batch : {1, 2, 5, 16}) {
        CAPTURE(cpu);
        CAPTURE(seed);
        CAPTURE(graph.name);
        CAPTURE(batch);
        const Tensors inputs = random_inputs(module, graph, batch, seed + 1000);
        const Tensors actual = model.run(graph.name, inputs, tensors);
        for (const auto& [name, value] : expected_of(graph, batch, inputs, tensors)) {
          CAPTURE(name);
          CHECK(relative_error(actual.at(name), value, 1e-2) < 1e-3);
        }
      }
    }
  }
}
