#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "ir/graph/verifier.h"
#include "ir/text/text.h"
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

TEST_CASE("separate_pools keeps every entry, of equal elements and NaN the same ones") {
  const std::string text = R"(model m(x: f32[N, 3, 19, 17]) {
  parameter p : f32[3] = constant(0.5)
  parameter q : f32[1, 3, 19, 17] = constant(0)
  moved = x * p + q
  a = max_pool(moved, kernel = [9, 11], stride = [4, 3], pad = [4, 2, 3, 5], ceil_mode = true)
  b = avg_pool(moved, kernel = 9, stride = [4, 3], pad = [3, 4], ceil_mode = true, count_include_pad = false)
  c = avg_pool(moved, kernel = [9, 12], stride = [4, 3], pad = 4)
  small = max_pool(x, kernel = 8)
  predict a
  predict b
  predict c
  predict small
  loss mse(a, 0.5 * a) + mse(b, 0.5 * b) + mse(c, 0.5 * c)
  train sgd()
})";
  Module module = parse(std::make_shared<SourceFile>(SourceFile{"m.graph", text}));
  derive_entries(module);
  Module before = module;
  differentiate(before);
  REQUIRE(separate_pools(module));
  CHECK_FALSE(separate_pools(module));
  for (const Node& node : module.find_entry("infer")->nodes) {
    if (node.op != Op::max_pool && node.op != Op::avg_pool) continue;
    const auto& kernel = node.attributes.get<std::vector<int64_t>>("kernel");
    CHECK((kernel[0] == 1 || kernel[1] == 1 || kernel == std::vector<int64_t>{8, 8}));
  }
  differentiate(module);
  verify(module);
  for (const double nan : {0.0, std::nan("")}) {
    Tensors inputs = random_inputs(module, *module.find_entry("backward"), 3, 1);
    for (double& value : inputs.at("x").values)
      value = std::round(value) + 0.0;  // few values: many are equal
    inputs.at("x").values[100] += nan;
    for (const char* entry : {"infer", "backward"}) {
      CAPTURE(entry);
      Tensors tensors = random_tensors(module, 2);
      std::ranges::fill(tensors.at("q").values, 0);  // its gradient says which of equal elements was taken
      std::string worst;
      CHECK(relative_error(evaluate(module, entry, 3, inputs, tensors),
                           evaluate(before, entry, 3, inputs, tensors), &worst) < 1e-12);
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
