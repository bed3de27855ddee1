// LLVM IR of a model that is its own host: inference as a plain function of C, of one thread, whose memory the caller gives.
#pragma once

#include <memory>

#include "compiler/model.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm

namespace rnc {

// Its kernels are declarations; its only exported symbol is the function that static_header (compiler/static_header.h)
// declares. Weights are constants of the program.
std::unique_ptr<llvm::Module> emit_static_model(const LoweredModel& model, llvm::LLVMContext& context);

}  // namespace rnc
