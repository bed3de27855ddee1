// From LLVM IR to machine code: the few optimisations that kernels gain from, and code generation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace rnc {

enum class CodeKind : uint8_t { object, assembly };

// Scalar cleanup and loop-invariant code motion. Kernels come vectorised, tiled and unrolled: no pass here
// changes their shape, which keeps compile time low and registers as lowering planned them.
void optimize(llvm::Module& module, llvm::TargetMachine& machine);

// Object code or assembly text. Each kernel is generated with LLVM's machine scheduler and, if that spills
// more than a little, also without; the code with fewer spills is taken (performance.md: large register
// tiles on AVX-512 need it off, AVX2 often gains from it). Depends on nothing but the module and machine; may
// run concurrently in different LLVM contexts.
std::string generate(const llvm::Module& module, llvm::TargetMachine& machine, CodeKind kind);

}  // namespace rnc
