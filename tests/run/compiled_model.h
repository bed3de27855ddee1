// A module compiled in process for a CPU, loaded and run on the interpreter's values.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "ir/graph/interpreter.h"
#include "passes/pipeline.h"
#include "runtime/support/array.h"
#include "tests/unit/compiler/compiled.h"

namespace rnc::test {

class CompiledModel {
 public:
  // `module` as elaborated: the whole pipeline runs. `entries`: only these are compiled; none: all.
  CompiledModel(Module module, const std::string& cpu, const Recompute& recompute = RecomputeLimits{},
                const ConvRules& conv = {}, const std::set<std::string>& entries = {},
                const PrecisionRules& precision = {});
  // Inference alone, with these weights in it.
  CompiledModel(Module module, const std::string& cpu, const Tensors& weights);

  // The fewest images that the entry takes.
  int64_t min_batch(const std::string& entry) const;
  // Bytes of planned temporaries.
  int64_t arena(const std::string& entry, int64_t batch) const;
  // Runs an entry `steps` times, from these module tensors (those not given are zero) on the same inputs; the
  // input "step", where the entry has one, counts from 1. Returns the last outputs and all module tensors but
  // prepared ones, by name.
  Tensors run(const std::string& entry, const Tensors& inputs, const Tensors& tensors, int steps = 1,
              int threads = 2) const;
  // Runs an entry once, and returns its outputs alone: of modules with many tensors the others take long.
  Tensors outputs(const std::string& entry, const Tensors& inputs, const Tensors& tensors, int threads) const;

 private:
  std::unique_ptr<Compiled> library_;
};

rnrun::Array to_array(rnrun::DType dtype, const TensorData& data);

// Random tests count up from this seed: 1, or the environment's RNC_TEST_SEED for a longer search by hand.
uint64_t first_seed();

}  // namespace rnc::test
