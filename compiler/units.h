// The units that a model's code is made in, one by one: each kernel, and entries and descriptors together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/codegen.h"
#include "compiler/model.h"

namespace llvm {
class LLVMContext;
}

namespace rnc {

// A kernel of a variant, or, without a kernel, entries and descriptors of all variants.
struct Unit {
  const LoweredModel* variant;
  const loops::Kernel* kernel;
  std::vector<bool> unaliased;  // see unaliased_params
  std::string symbol() const { return variant->symbol(*kernel); }
};

// Entries and descriptors come last.
std::vector<Unit> units_of(Variants variants);

// The unit in LLVM IR, not optimised.
std::unique_ptr<llvm::Module> emit_unit(Variants variants, const Unit& unit, llvm::LLVMContext& context);

// Its machine code. May run concurrently.
GeneratedCode compile_unit(Variants variants, const Unit& unit, CodeKind kind);

}  // namespace rnc
