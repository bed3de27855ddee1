// LLVM IR of one entry: the sequence of its kernel calls.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/loops/program.h"

namespace llvm {
class Constant;
class Function;
class Module;
}  // namespace llvm

namespace rnc {

// Where a module tensor lives: rn_tensor's kind and offset.
struct TensorPlace {
  int kind = 0;
  int64_t offset = 0;
  int64_t bytes = 0;
};

// What all entries of a model share.
struct EntryContext {
  const loops::Program& program;
  std::vector<TensorPlace> tensors;        // by index in Module::tensors
  std::vector<llvm::Constant*> constants;  // by index in Program::constants: their addresses
  std::vector<llvm::Constant*> functions;  // by index in Program::kernels: their addresses
  int64_t scratch_bytes_per_worker = 0;
};

// Adds to `module` a function of type `void(const rn_run*)` that makes the entry's calls in turn through
// rn_run.parallel_for.
llvm::Function* emit_entry(llvm::Module& module, const EntryContext& context,
                           const loops::EntryProgram& entry);

}  // namespace rnc
