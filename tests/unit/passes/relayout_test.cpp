// Relayout between any two layouts, dimensions blocked more than once included, in the loop interpreter.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/graph/verifier.h"
#include "ir/text/text.h"
#include "passes/lower/lower_to_loops.h"
#include "passes/passes.h"
#include "passes/schedule/plan_memory.h"
#include "tests/support/evaluate.h"
#include "tests/support/model_builder.h"
#include "tests/support/random.h"
#include "tests/support/random_graph.h"
#include "tests/support/run_program.h"

namespace rnc {
namespace {

// Dimension 0 stays outermost, and unblocked where it is the batch.
Layout random_layout(test::Random& random, const Shape& shape) {
  Layout layout;
  const auto rank = static_cast<int>(shape.size());
  if (random.chance(0.3)) {
    for (int d = 0; d < rank; ++d) layout.order.push_back(d);
    for (int d = rank - 1; d > 1; --d)
      std::swap(layout.order[static_cast<size_t>(d)],
                layout.order[static_cast<size_t>(random.integer(1, d))]);
  }
  for (int64_t blocks = random.integer(0, 3); blocks > 0; --blocks) {
    const int dim = static_cast<int>(random.integer(has_batch(shape) ? 1 : 0, rank - 1));
    layout.blocks.push_back({dim, random.one_of<int64_t>({2, 4, 8, 16})});
  }
  return layout;
}

}  // namespace

TEST_CASE("a tensor moved from layout to layout stays the same") {
  const TargetInfo targets[] = {{64, 32, true}, {32, 16, true}, {16, 16, false}};
  int twice = 0;
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    test::Random random(seed);
    const TargetInfo& target = targets[seed % 3];
    test::ModelBuilder m("infer");
    Shape shape{random.chance(0.4) ? kBatch : random.integer(1, 40)};
    for (int64_t rank = random.integer(2, 4); rank > 1; --rank)
      shape.push_back(random.one_of<int64_t>({1, 3, 8, 16, 33}));
    ValueId x = m.input("x", DType::f32, shape);
    for (int i = 0; i < 3; ++i) {
      x = m.op(Op::relayout, {x});
      if (i < 2) m.graph()[x].type.layout = random_layout(random, shape);
    }
    m.output("y", x);
    CAPTURE(seed);
    CAPTURE(print(m.module));
    Module module = m.module;
    fuse(module);
    verify(module);
    for (const Node& node : module.entries[0].nodes) {
      const auto& blocks = node.type.layout.blocks;
      twice += blocks.size() > 1 && blocks[0].dim == blocks[1].dim ? 1 : 0;
    }
    loops::Program program = lower_to_loops(module, target);
    for (loops::EntryProgram& entry : program.entries) plan_memory(entry);
    const Tensors inputs = test::random_inputs(module, module.entries[0], 3, seed);
    const Tensors result = test::run_program(module, program, "infer", 3, inputs, {});
    CHECK(result.at("y").values == inputs.at("x").values);
  }
  CHECK(twice > 10);
}

}  // namespace rnc
