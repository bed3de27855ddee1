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

void check_module(const Module& elaborated, const std::string& cpu, uint64_t seed,
                  std::initializer_list<int64_t> batches) {
  CAPTURE(cpu);
  CAPTURE(seed);
  Module module = elaborated;
  derive_entries(module);
  differentiate(module);
  const CompiledModel model(elaborated, cpu);
  const Tensors tensors = random_tensors(module, seed);
  for (const Graph& graph : module.entries) {
    for (const int64_t batch : batches) {
      CAPTURE(graph.name);
      CAPTURE(batch);
      const Tensors inputs = random_inputs(module, graph, batch, seed + 1000);
      const Tensors actual = model.run(graph.name, inputs, tensors, 1, 1);
      for (const auto& [name, value] : expected_of(graph, batch, inputs, tensors)) {
        CAPTURE(name);
        CHECK(relative_error(actual.at(name), value, 1e-2) < 1e-3);
      }
      for (const int threads : {2, 3, 7}) {
        CAPTURE(threads);
        CHECK(same_bits(actual, model.run(graph.name, inputs, tensors, 1, threads)));
      }
    }
  }
}

}  // namespace

TEST_CASE("random networks: compiled code computes what the graph means, for any number of threads") {
  const std::vector<std::string> cpus = runnable_cpus();
  const uint64_t first = first_seed();
  for (uint64_t seed = first; seed < first + 8; ++seed) {
    check_module(random_module(seed), cpus[seed % cpus.size()], seed, {1, 2, 5, 16});
  }
}

TEST_CASE("random networks of more channels than a vector has lanes") {
  const std::vector<std::string> cpus = runnable_cpus();
  const uint64_t first = first_seed();
  for (uint64_t seed = first; seed < first + 4; ++seed) {
    check_module(random_module(seed, true), cpus[seed % cpus.size()], seed, {1, 3});
  }
}
