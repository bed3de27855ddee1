// LLVM IR of the entries: tables of their kernel calls, and a loop over them. (Calls written out one by one
// make functions of a size for which LLVM's time grows faster than they do.)
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "compiler/model.h"
#include "ir/loops/program.h"
#include "runtime/contract/abi.h"

namespace llvm {
class Constant;
class Function;
class Module;
}  // namespace llvm

namespace rnc {

class Data;

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
  std::array<int64_t, RN_TENSOR_KINDS> region_bytes{};  // by rn_tensor_kind
};

// Bytes of scratch memory of a worker: what the kernel that needs most takes, in whole lines.
int64_t scratch_bytes_per_worker(const loops::Program& program);

// Adds the program's constants to `data` and declares its kernels in `module`.
EntryContext entry_context(const LoweredModel& model, llvm::Module& module, Data& data);

// Where an argument's address begins: pointers of rn_run, those in its tables, addresses of constants.
enum CallBase : uint8_t { kBaseRun, kBaseInputs, kBaseOutputs, kBaseConstants };

// Adds to `module` the function that runs calls of any entry, which emit_entry's functions share.
llvm::Function* emit_call_loop(llvm::Module& module, Data& data, const EntryContext& context);

// How many calls an entry that trains has made when its loss is finished; 0 for others.
int64_t loss_calls(const EntryContext& context, const loops::EntryProgram& entry);

// Adds to `module` a function of type `void(const rn_run*)` that makes the entry's calls in turn through
// rn_run.parallel_for.
llvm::Function* emit_entry(llvm::Module& module, Data& data, const EntryContext& context,
                           llvm::Function* call_loop, const loops::EntryProgram& entry);

}  // namespace rnc
