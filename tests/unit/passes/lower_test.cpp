// Lowered entries, run in the loop interpreter, against the reference interpreter on the module as it was
// before any pass that knows the target.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/graph/verifier.h"
#include "passes/lower/lower_to_loops.h"
#include "passes/passes.h"
#include "passes/schedule/plan_memory.h"
#include "tests/support/evaluate.h"
#include "tests/support/model_builder.h"
#include "tests/support/random_graph.h"
#include "tests/support/run_program.h"

namespace rnc {
namespace {

const TargetInfo kTargets[] = {{64, 32, true}, {32, 16, true}, {16, 16, false}};

Module entries_of(Module module) {
  derive_entries(module);
  decompose_losses(module);
  linear_to_conv(module);
  differentiate(module);
  return module;
}

void prepare_for_target(Module& module, const TargetInfo& target) {
  fold_batch_norm(module);
  decompose_batch_norm(module);
  decompose_linear(module);
  simplify(module);
  cse(module);
  dce(module);
  hoist_parameters(module);
  choose_algorithm(module, target);
  choose_layout(module, target);
  hoist_parameters(module);
  fuse(module);
  verify(module);
}

loops::Program lower(const Module& module, const TargetInfo& target) {
  loops::Program program = lower_to_loops(module, target);
  for (loops::EntryProgram& entry : program.entries) plan_memory(entry);
  return program;
}

}  // namespace

TEST_CASE("random networks: loops compute what the graph means, in every entry and for every vector width") {
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    const Module model = entries_of(test::random_module(seed));
    const TargetInfo& target = kTargets[seed % 3];
    Module lowered = model;
    prepare_for_target(lowered, target);
    const loops::Program program = lower(lowered, target);
    for (const Graph& graph : model.entries) {
      if (graph.name == "model") continue;
      const int64_t batch = seed % 2 == 0 ? 2 : 5;
      CAPTURE(seed);
      CAPTURE(graph.name);
      const Tensors tensors = test::random_tensors(model, seed);
      const Tensors inputs = test::random_inputs(model, graph, batch, seed + 1000);
      const Tensors expected = test::evaluate(model, graph.name, batch, inputs, tensors);
      loops::RunOptions options;
      options.order = seed % 2 == 0 ? loops::TaskOrder::reverse : loops::TaskOrder::shuffled;
      options.planned = seed % 4 < 2;
      const Tensors result = test::run_program(lowered, program, graph.name, batch, inputs, tensors, options);
      std::string worst;
      // The floor is for gradients that are zero but for rounding: those of a bias before batch norm.
      const double error = test::relative_error(result, expected, &worst, 1e-2);
      CAPTURE(worst);
      CHECK(error < 1e-3);
    }
  }
}

// Where the sum lies over the operand, a convolution that reads rows above the one it writes reads results.
TEST_CASE("a convolution does not overwrite the operand that is added to it") {
  for (const int64_t kernel : {1, 3, 5}) {
    test::ModelBuilder m;
    const ValueId image = m.input("image", DType::f32, {kBatch, 3, 12, 12});
    const ValueId x = m.op(Op::relu, {m.conv("stem", image, 16, 3, 1, 1)}, {}, "x");
    const ValueId y = m.conv("conv", x, 16, kernel, 1, kernel / 2);
    m.output("sum", m.op(Op::add, {y, x}, {}, "sum"));
    m.module.predict = "sum";
    derive_entries(m.module);
    for (const TargetInfo& target : kTargets) {
      Module lowered = m.module;
      prepare_for_target(lowered, target);
      const Tensors tensors = test::random_tensors(m.module, 1);
      const Tensors inputs = test::random_inputs(m.module, *m.module.find_entry("infer"), 2, 2);
      loops::RunOptions options;
      options.planned = true;
      const Tensors result =
          test::run_program(lowered, lower(lowered, target), "infer", 2, inputs, tensors, options);
      CAPTURE(kernel);
      CAPTURE(target.lanes(DType::f32));
      CHECK(test::relative_error(result, test::evaluate(m.module, "infer", 2, inputs, tensors)) < 1e-5);
    }
  }
}

}  // namespace rnc
