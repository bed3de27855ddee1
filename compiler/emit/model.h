// LLVM IR of what is not a kernel: the entries, the constants and the descriptor rn_model (runtime/contract/abi.h).
#pragma once

#include <memory>

#include "compiler/model.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm

namespace rnc {

// Its kernels are declarations; its only exported symbol is rn_model, the last variant. What variants have in common is
// there once.
std::unique_ptr<llvm::Module> emit_model(Variants variants, llvm::LLVMContext& context);

}  // namespace rnc
