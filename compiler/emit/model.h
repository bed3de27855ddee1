// LLVM IR of what is not a kernel: the entries, the constants and the descriptor rn_model (runtime/contract/abi.h).
#pragma once

#include <memory>

#include "compiler/model.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm

namespace rnc {

// Its kernels are declarations; its only exported symbol is rn_model.
std::unique_ptr<llvm::Module> emit_model(const LoweredModel& model, llvm::LLVMContext& context);

}  // namespace rnc
