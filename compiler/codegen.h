// From LLVM IR to machine code: the few optimisations that kernels gain from, and code generation.
#pragma once

#include <cstdint>
#include <map>
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

// What part of a kernel's values did not fit into registers. A microkernel is an innermost loop of which at least
// half the instructions are fused multiply-adds.
struct Frame {
  int64_t bytes = 0;               // of the stack
  int64_t microkernel_spills = 0;  // instructions of microkernels that access spilled vectors
  double spill_share = 0;          // of such instructions among all, each counted eightfold per loop it is in
  bool scheduled = true;           // by LLVM's machine scheduler
};

// Passes over machine code before register allocation, each of which may lengthen the lives of values so that
// a register tile no longer fits.
struct MachinePasses {
  bool schedule = true;  // reorders instructions
  bool hoist = true;     // moves what does not change out of loops
};

struct GeneratedCode {
  std::string bytes;
  Frame frame;                // the largest of the module's functions
  MachinePasses passes = {};  // that it is made with
};

// Object code or assembly text. Each kernel is generated with all of LLVM's machine passes and, if that spills vectors
// in a microkernel or more than a little elsewhere, also without its scheduler, or without hoisting; the code with fewer
// spills in microkernels, then in all, is taken: large register tiles on AVX-512 need the scheduler off, AVX2 often gains
// from it. Depends on nothing but the module and machine; may run concurrently in different LLVM contexts.
GeneratedCode generate(const llvm::Module& module, llvm::TargetMachine& machine, CodeKind kind);

// Code of a module of many functions: those named are generated with these passes, the others with all.
std::string generate_together(const llvm::Module& module, llvm::TargetMachine& machine, CodeKind kind,
                              const std::map<std::string, MachinePasses>& passes);

}  // namespace rnc
