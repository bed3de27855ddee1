// LLVM IR of one kernel.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/target.h"
#include "ir/loops/program.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm

namespace rnc {

// The order of fields in the frame that an entry fills in for a call and hands to the kernel.
enum FrameField : unsigned {
  kFrameBatch,
  kFrameThreads,
  kFrameScratch,
  kFrameScratchStride,
  kFrameArguments
};

// By kernel: which parameters share no memory with any other parameter, in all its calls. Buffers share
// memory where they are the same, or in place of each other in the arena.
std::vector<std::vector<bool>> unaliased_params(const loops::Program& program);

// A module with one hidden function, `symbol`, of type rn_task (runtime/contract/abi.h). Its frame is
// { i64 batch; ptr scratch; i64 scratch bytes per worker; ptr params[...] }.
// `debug`: with line tables that lead to the .graph file.
std::unique_ptr<llvm::Module> emit_kernel(const loops::Kernel& kernel, const std::string& symbol,
                                          const std::vector<bool>& unaliased, const Target& target,
                                          llvm::LLVMContext& context, bool debug);

// An empty module for `target`.
std::unique_ptr<llvm::Module> new_module(const std::string& name, const Target& target,
                                         llvm::LLVMContext& context);

}  // namespace rnc
