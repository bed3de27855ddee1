#include <doctest/doctest.h>

#include <algorithm>

#include "ir/graph/verifier.h"
#include "passes/passes.h"
#include "tests/support/evaluate.h"
#include "tests/support/random_graph.h"

using namespace rnc;
using namespace rnc::test;

namespace {

int64_t count(const Graph& graph, Op op) { return std::ranges::count(graph.nodes, op, &Node::op); }

// Tests that `pass` leaves no `op`, keeps what every entry computes, and does nothing when run again.
void check_decomposition(bool (*pass)(Module&), Op op) {
  int64_t decomposed = 0;
  for (uint64_t seed = 0; seed < 25; ++seed) {
    CAPTURE(seed);
    Module module = random_module(seed);
    derive_entries(module);
    differentiate(module);
    const Module before = module;
    const Tensors tensors = random_tensors(module, seed);
    const bool changed = pass(module);
    verify(module);
    CHECK_FALSE(pass(module));
    int64_t found = 0;
    for (const Graph& graph : before.entries) {
      CAPTURE(graph.name);
      found += count(graph, op);
      CHECK(count(*module.find_entry(graph.name), op) == 0);
      const Tensors inputs = random_inputs(module, graph, 3, seed);
      std::string worst;
      const double error = relative_error(evaluate(module, graph.name, 3, inputs, tensors),
                                          evaluate(before, graph.name, 3, inputs, tensors), &worst, 1e-3);
      CAPTURE(worst);
      CHECK(error < 1e-9);
    }
    CHECK(changed == (found > 0));
    decomposed += found;
  }
  CHECK(decomposed >= 50);
}

}  // namespace

TEST_CASE("decompose_batch_norm keeps every entry") {
  check_decomposition(decompose_batch_norm, Op::batch_norm);
}

TEST_CASE("decompose_linear keeps every entry") { check_decomposition(decompose_linear, Op::linear); }

TEST_CASE("after cse, training computes the statistics of each batch norm once") {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    Module module = random_module(seed);
    const int64_t layers = count(module.entries[0], Op::batch_norm);
    derive_entries(module);
    differentiate(module);
    decompose_batch_norm(module);
    cse(module);
    dce(module);
    for (const char* entry : {"backward", "train_step"}) {
      const Graph& graph = *module.find_entry(entry);
      CHECK(count(graph, Op::channel_mean) == layers);
      CHECK(count(graph, Op::channel_variance) == layers);
      CHECK(count(graph, Op::rsqrt) == layers);
    }
  }
}

TEST_CASE("decompositions keep the layer's name on its result") {
  Module module = random_module(3);
  std::vector<std::string> names;
  for (const Node& node : module.entries[0].nodes) {
    if (node.op == Op::batch_norm || node.op == Op::linear) names.push_back(node.name);
  }
  REQUIRE(names.size() >= 2);
  derive_entries(module);
  decompose_batch_norm(module);
  decompose_linear(module);
  const std::vector<Node>& nodes = module.find_entry("train")->nodes;
  for (const std::string& name : names) {
    CAPTURE(name);
    const auto node = std::ranges::find(nodes, name, &Node::name);
    REQUIRE(node != nodes.end());
    CHECK(node->op == Op::add);
    CHECK(node->layer == name);
  }
}
