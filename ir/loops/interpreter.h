// The loop interpreter: runs kernels, and whole entries, on arrays in memory. It is how a wrong kernel is
// found without reading assembly: it checks every index of every access, that tasks do not depend on each
// other, and that what is read has been stored.
//
// f32 is computed as float and f64 as double, operation by operation; fma rounds once.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>

#include "ir/loops/loops.h"
#include "ir/loops/program.h"

namespace rnc::loops {

// A kernel did what it may not; what() names kernel, task, memory and indices.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class TaskOrder : uint8_t { forward, reverse, shuffled };

struct RunOptions {
  TaskOrder order = TaskOrder::forward;
  uint64_t seed = 0;  // of the shuffled order
  int64_t threads = 1;
  // Find a task that touches what another stores, an element of a `write` parameter that is read before it
  // is stored, or never stored. Takes 16 bytes per element stored to.
  bool track = true;
  // run_entry: the arena's buffers at their planned offsets rather than each on its own.
  bool planned = false;
};

// Runs all tasks of a kernel that passes verify(). `arguments` holds, per parameter, the array of that size
// at this batch, aligned for its scalar. Throws Fault.
void run(const Kernel& kernel, int64_t batch, std::span<void* const> arguments,
         const RunOptions& options = {});

// The caller's memory of an entry's run, each as large as its buffer at this batch.
struct EntryMemory {
  std::span<const void* const> inputs;  // by index into EntryProgram::inputs
  std::span<void* const> outputs;       // by index into EntryProgram::outputs
  std::span<void* const> tensors;       // by index into Module::tensors; null where not used
};

// Runs all calls of an entry of `program`. Arena memory starts out as NaN. Throws Fault, also where a call
// leaves something other than zero in the padding of what it stores to (see Layout in ir/graph/type.h).
void run_entry(const Program& program, const EntryProgram& entry, int64_t batch, const EntryMemory& memory,
               const RunOptions& options = {});

}  // namespace rnc::loops
