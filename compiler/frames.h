// What did not fit into registers, kernel by kernel: the report of --stats.
#pragma once

#include <string>
#include <vector>

#include "compiler/codegen.h"

namespace rnc {

struct KernelFrame {
  std::string kernel;
  Frame frame;
};

// How many kernels spill where, and a line for each that does so in a microkernel, the most spills first.
std::string frame_table(std::vector<KernelFrame> frames);

// Bytes of the stack that the largest of them takes.
int64_t largest_frame(const std::vector<KernelFrame>& frames);

}  // namespace rnc
