// Compiled code against PyTorch, for every vector width this machine has and any number of threads.
#include "tests/support/golden.h"

#include <doctest/doctest.h>

#include "tests/run/compiled_model.h"
#include "tests/support/evaluate.h"

using namespace rnc;
using namespace rnc::test;

namespace {

// The floor is for gradients that are zero but for rounding: those of a bias before a batch norm.
void check_close(const Tensors& ours, const Tensors& golden) {
  for (const auto& [name, expected] : golden) {
    CAPTURE(name);
    const auto value = ours.find(name);
    REQUIRE(value != ours.end());
    CHECK(relative_error(value->second, expected, 1e-2) < 1e-4);
  }
}

// What entry infer gives: all that entry loss gives but the loss.
Tensors infer_part(const Golden& golden) {
  Tensors predicted = golden.loss;
  predicted.erase("loss");
  return predicted;
}

void check_case(const std::string& name, const std::string& cpu) {
  CAPTURE(name);
  CAPTURE(cpu);
  const Golden golden = load_golden(name);
  const CompiledModel model(golden.module, cpu);
  check_close(model.run("infer", golden.inputs, golden.parameters), infer_part(golden));
  check_close(model.run("loss", golden.inputs, golden.parameters), golden.loss);
  check_close(model.run("backward", golden.inputs, golden.parameters), golden.backward);
  const Tensors stepped = model.run("train_step", golden.inputs, golden.parameters, golden.steps);
  check_close(stepped, golden.train_step);
  for (const int threads : {1, 3, 7}) {
    CAPTURE(threads);
    CHECK(
        same_bits(stepped, model.run("train_step", golden.inputs, golden.parameters, golden.steps, threads)));
  }
}

}  // namespace

TEST_CASE("compiled models give PyTorch's outputs, gradients, statistics and steps") {
  for (const std::string& name : golden_cases()) check_case(name, "native");
}

TEST_CASE("what the backward pass computes again has the same bits and takes less memory") {
  for (const char* name : {"basic", "bottleneck", "resnet", "d2l"}) {
    CAPTURE(name);
    const Golden golden = load_golden(name);
    const auto step = [&](const CompiledModel& model) {
      return model.run("train_step", golden.inputs, golden.parameters, golden.steps);
    };
    const CompiledModel stored(golden.module, "native", std::nullopt);
    for (const RecomputeLimits& limits : {RecomputeLimits{}, {2}, {8}, {3, 100000, 0}, {8, 100000, 0}}) {
      CAPTURE(limits.kernels);
      CAPTURE(limits.cost);
      const CompiledModel again(golden.module, "native", limits);
      CHECK(same_bits(step(again), step(stored)));
      // Of networks as small as these, long chains of convolutions keep more than they save.
      if (limits.bytes > 0 || limits.kernels < 8)
        CHECK(again.arena("train_step", 64) < stored.arena("train_step", 64));
    }
  }
}

TEST_CASE("with their weights in the library they need none from outside") {
  for (const std::string& name : golden_cases()) {
    CAPTURE(name);
    const Golden golden = load_golden(name);
    const CompiledModel model(golden.module, "native", golden.parameters);
    check_close(model.run("infer", golden.inputs, {}), infer_part(golden));
  }
}

TEST_CASE("compiled networks do so for other vector widths") {
  for (const std::string& cpu : runnable_cpus()) {
    if (cpu == "native") continue;
    for (const char* name : {"basic", "bottleneck", "resnet", "d2l"}) check_case(name, cpu);
  }
}
