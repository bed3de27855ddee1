// The training passes and the reference interpreter against PyTorch: outputs, loss, gradients, running
// statistics, and parameters and optimizer state after steps.
#include "tests/support/golden.h"

#include <doctest/doctest.h>

#include "ir/graph/verifier.h"
#include "passes/passes.h"
#include "tests/support/evaluate.h"

using namespace rnc;
using namespace rnc::test;

namespace {

// Golden values are rounded to float32; the floor is for gradients that are zero but for rounding.
void check_close(const Tensors& ours, const Tensors& golden) {
  for (const auto& [name, expected] : golden) {
    CAPTURE(name);
    const auto value = ours.find(name);
    REQUIRE(value != ours.end());
    CHECK(relative_error(value->second, expected, 1e-6) < 2e-7);
  }
}

// Outputs, and tensors by their names: new values where the entry assigns one.
Tensors run(const Module& module, const char* entry, const Golden& golden, const Tensors& inputs,
            const Tensors& tensors) {
  Interpretation result = interpret(*module.find_entry(entry), golden.batch, inputs, tensors);
  result.outputs.merge(result.assigned);
  for (const auto& [name, value] : tensors) result.outputs.try_emplace(name, value);
  return result.outputs;
}

// The entry's scalars: the model's learning rate and hyper-parameters, and the number of the step.
void add_scalars(const Module& module, int step, Tensors& inputs) {
  inputs["lr"] = {{}, {std::get<double>(module.recipe.at("lr"))}};
  inputs["step"] = {{}, {static_cast<double>(step)}};
  for (const auto& [name, value] : module.optimizer.hyper.all()) {
    if (const double* number = std::get_if<double>(&value)) inputs[name] = {{}, {*number}};
  }
}

void check_case(const std::string& name) {
  CAPTURE(name);
  Golden golden = load_golden(name);
  Module& module = golden.module;
  derive_entries(module);
  decompose_losses(module);
  linear_to_conv(module);
  differentiate(module);
  verify(module);
  check_close(run(module, "loss", golden, golden.inputs, golden.parameters), golden.loss);
  check_close(run(module, "backward", golden, golden.inputs, golden.parameters), golden.backward);

  Tensors tensors = golden.parameters;
  for (const Tensor& tensor : module.tensors) {
    if (tensor.kind != TensorKind::slot) continue;
    tensors[tensor.name] = {tensor.type.shape,
                            std::vector<double>(static_cast<size_t>(elements_per_sample(tensor.type.shape)))};
  }
  Tensors stepped;
  for (int step = 1; step <= golden.steps; ++step) {
    Tensors inputs = golden.inputs;
    add_scalars(module, step, inputs);
    stepped = run(module, "train_step", golden, inputs, tensors);
    for (auto& [tensor, value] : tensors) value = stepped.at(tensor);
  }
  check_close(stepped, golden.train_step);
}

}  // namespace

TEST_CASE("training as PyTorch trains") {
  REQUIRE(golden_cases().size() >= 20);
  for (const std::string& name : golden_cases()) check_case(name);
}
