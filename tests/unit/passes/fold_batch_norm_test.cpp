#include <doctest/doctest.h>

#include <algorithm>

#include "passes/passes.h"
#include "tests/support/evaluate.h"
#include "tests/support/random_graph.h"

using namespace rnc;
using namespace rnc::test;

namespace {

// The random model as entries infer and loss.
Module inference_module(uint64_t seed) {
  Module module = random_module(seed);
  for (Node& node : module.entries[0].nodes) {
    if (node.op == Op::batch_norm) node.attributes.set("mode", std::string("eval"));
  }
  module.entries[0].name = "infer";
  module.entries[0].role = EntryRole::inference;
  module.entries.push_back(module.entries[0]);
  module.entries[1].name = "loss";
  module.entries[1].role = EntryRole::loss;
  return module;
}

int64_t count_of(const Graph& graph, Op op) { return std::ranges::count(graph.nodes, op, &Node::op); }

}  // namespace

TEST_CASE("fold_batch_norm keeps the function and folds every batch norm after a convolution of its own") {
  int64_t folded = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    Module module = inference_module(seed);
    const Tensors tensors = random_tensors(module, seed),
                  inputs = random_inputs(module, module.entries[0], 2, seed);
    const Tensors expected = evaluate(module, "loss", 2, inputs, tensors);
    const int64_t before = count_of(module.entries[0], Op::batch_norm);
    const bool changed = fold_batch_norm(module);
    const int64_t after = count_of(module.entries[0], Op::batch_norm);
    CHECK(changed == (after < before));
    folded += before - after;
    CHECK(relative_error(evaluate(module, "loss", 2, inputs, tensors), expected) < 1e-12);
    CHECK_FALSE(fold_batch_norm(module));
  }
  CHECK(folded > 40);
}

TEST_CASE("hoist_parameters leaves no work on parameters in infer and loss, and does it once") {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    Module module = inference_module(seed);
    const Tensors tensors = random_tensors(module, seed),
                  inputs = random_inputs(module, module.entries[0], 2, seed);
    const Tensors expected = evaluate(module, "loss", 2, inputs, tensors);
    fold_batch_norm(module);
    REQUIRE(hoist_parameters(module));
    CHECK(relative_error(evaluate(module, "loss", 2, inputs, tensors), expected) < 1e-12);
    CHECK(relative_error(evaluate(module, "infer", 2, inputs, tensors), expected) < 1e-12);
    const Graph& infer = *module.find_entry("infer");
    const Graph& prepare = *module.find_entry("prepare");
    CHECK(count_of(infer, Op::rsqrt) == 0);
    CHECK(count_of(infer, Op::reshape) == 0);
    CHECK(count_of(prepare, Op::input) == 0);
    for (const Assign& assign : prepare.assigns) {
      REQUIRE(module.find_tensor(assign.tensor) != nullptr);
      CHECK(module.find_tensor(assign.tensor)->kind == TensorKind::prepared);
    }
    // infer and loss share each folded weight: two assigns per folded convolution, each in place of a
    // parameter
    CHECK(prepare.assigns.size() % 2 == 0);
    CHECK(module.find_tensor("folded.stage0.conv.weight.2") == nullptr);
    CHECK_FALSE(hoist_parameters(module));
  }
}
