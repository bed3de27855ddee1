// From a lowered model to LLVM IR, assembly, object code or a shared library, the latter two also for several targets;
// `frames` receives the kernels' stack frames.
#pragma once

#include <string>
#include <vector>

#include "compiler/frames.h"
#include "compiler/model.h"

namespace rnc {

// Optimised LLVM IR of the whole model, as one module's text.
std::string compile_to_llvm(const LoweredModel& model);
// Assembly text of the whole model; it assembles to what compile_to_object gives, but for order.
std::string compile_to_assembly(const LoweredModel& model, std::vector<KernelFrame>* frames = nullptr);
// One relocatable object file, in the target's format.
std::string compile_to_object(Variants variants, std::vector<KernelFrame>* frames = nullptr);
// An ELF shared library that exports rn_model and needs no other library.
std::string compile_to_shared_library(Variants variants, std::vector<KernelFrame>* frames = nullptr);

// For one target.
inline std::string compile_to_object(const LoweredModel& model, std::vector<KernelFrame>* frames = nullptr) {
  return compile_to_object(Variants(&model, 1), frames);
}
inline std::string compile_to_shared_library(const LoweredModel& model,
                                             std::vector<KernelFrame>* frames = nullptr) {
  return compile_to_shared_library(Variants(&model, 1), frames);
}

}  // namespace rnc
