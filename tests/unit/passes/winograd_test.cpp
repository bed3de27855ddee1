// Winograd convolution in the loop interpreter, against the reference interpreter, with everything that is
// fused into it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "passes/lower/lower_to_loops.h"
#include "passes/passes.h"
#include "tests/support/evaluate.h"
#include "tests/support/model_builder.h"
#include "tests/support/random_graph.h"
#include "tests/support/run_program.h"

namespace rnc {
namespace {

// A stem and a residual block whose convolutions Winograd computes forward and for the input gradient.
Module residual_block(int64_t height, int64_t width, bool bias) {
  test::ModelBuilder m;
  const ValueId image = m.input("image", DType::f32, {kBatch, 3, height, width});
  const ValueId label = m.input("label", DType::i32, {kBatch});
  ValueId x = m.op(Op::relu, {m.conv("stem", image, 16, 3, 1, 1)}, {}, "stem.relu");
  ValueId y = m.conv("conv1", x, 32, 3, 1, 1);
  if (bias) y = m.op(Op::add, {y, m.tensor("conv1.bias", {32})}, {}, "biased");
  y = m.op(Op::relu, {m.batch_norm("bn1", y)}, {}, "relu1");
  y = m.batch_norm("bn2", m.conv("conv2", y, 16, 3, 1, 1));
  x = m.op(Op::relu, {m.op(Op::add, {y, x}, {}, "sum")}, {}, "relu2");
  x = m.op(Op::global_avg_pool, {x}, {}, "pool");
  const ValueId fc = m.linear("fc", m.op(Op::flatten, {x}, {}, "flat"), 5);
  m.output("fc", fc);
  m.output("loss", m.op(Op::cross_entropy, {fc, label}, {}, "cross_entropy"));
  m.module.predict = "fc";
  m.module.optimizer.name = "sgd";
  derive_entries(m.module);
  differentiate(m.module);
  return std::move(m.module);
}

loops::Program lower(Module& module, const TargetInfo& target) {
  decompose_batch_norm(module);
  decompose_linear(module);
  cse(module);
  dce(module);
  choose_layout(module, target);
  fuse(module);
  return lower_to_loops(module, target);
}

int64_t calls_by(const loops::Program& program, std::string_view entry, std::string_view algorithm) {
  for (const loops::EntryProgram& e : program.entries) {
    if (e.name != entry) continue;
    return std::count_if(e.calls.begin(), e.calls.end(),
                         [&](const loops::Call& c) { return c.work.algorithm == algorithm; });
  }
  return 0;
}

double error_in_backward(const Module& model, const TargetInfo& target, int64_t batch,
                         std::string_view algorithm) {
  Module lowered = model;
  const loops::Program program = lower(lowered, target);
  // conv1 and conv2, each for the input gradient and for the weight gradient; forward by 2x2 tiles.
  CHECK(calls_by(program, "backward", algorithm) >= 4);
  if (target.winograd) CHECK(calls_by(program, "backward", "winograd 2x2") >= 2);
  const Tensors tensors = test::random_tensors(model, 7);
  const Tensors inputs = test::random_inputs(model, *model.find_entry("backward"), batch, 8);
  const Tensors expected = test::evaluate(model, "backward", batch, inputs, tensors);
  loops::RunOptions options;
  options.order = loops::TaskOrder::shuffled;
  std::string worst;
  const double error =
      test::relative_error(test::run_program(lowered, program, "backward", batch, inputs, tensors, options),
                           expected, &worst, 1e-2);
  CAPTURE(worst);
  return error;
}

}  // namespace

TEST_CASE("Winograd convolution is chosen by size, and computes what direct summation does") {
  struct Case {
    int64_t height, width;
    const char* algorithm;
  };
  const Case cases[] = {{4, 4, "winograd 4x4"},   {6, 6, "winograd 3x3"},  {5, 7, "winograd 2x2"},
                        {13, 11, "winograd 4x4"}, {8, 20, "winograd 4x4"}, {9, 6, "winograd 3x3"}};
  for (const Case& c : cases) {
    for (const int lanes : {16, 8, 4}) {
      TargetInfo target{lanes, lanes == 16 ? 32 : 16, true};
      const Module model = residual_block(c.height, c.width, c.width > 6);
      CAPTURE(c.height);
      CAPTURE(c.width);
      CAPTURE(lanes);
      CHECK(error_in_backward(model, target, 3, c.algorithm) < 1e-4);
      target.winograd = false;
      if (lanes == 8) CHECK(error_in_backward(model, target, 3, "direct") < 1e-4);
    }
  }
}

TEST_CASE("Winograd convolution at batches that do not fill a task") {
  const Module model = residual_block(6, 6, false);
  for (const int64_t batch : {1, 2, 8}) {
    CAPTURE(batch);
    CHECK(error_in_backward(model, {16, 32, true}, batch, "winograd 3x3") < 1e-4);
  }
}

}  // namespace rnc
