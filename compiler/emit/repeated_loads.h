// Keeps LLVM from merging loads that the loop IR repeats. Where a kernel loads the same element again many
// loads later, as a convolution does for neighbouring taps, it means to load it again: `let` is for keeping a value.
// LLVM would keep it all the same, and spill it in between. A fence within the thread, which is not an instruction,
// prevents that. Internal to compiler/emit.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <cstdint>
#include <map>
#include <vector>

#include "compiler/emit/affine.h"

namespace rnc {

class RepeatedLoads {
 public:
  // Loads fewer than `distance` apart may be merged.
  RepeatedLoads(llvm::IRBuilder<>& builder, int distance) : b_(builder), distance_(distance) {}

  // Said where a fence may stand: between statements, best where no value is held from one to the next.
  void at_boundary();
  // Called before each load.
  void about_to_load(const void* memory, const Affine& offset, int lanes);

 private:
  llvm::IRBuilder<>& b_;
  int distance_;
  int count_ = 0;                             // loads so far
  std::map<std::vector<int64_t>, int> seen_;  // number of the load by memory, address and lanes
  llvm::BasicBlock* block_ = nullptr;  // the last boundary: behind `after_` in block_, or at its beginning
  llvm::Instruction* after_ = nullptr;
  int boundary_ = 0;  // loads before it
};

}  // namespace rnc
