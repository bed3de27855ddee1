// What lowering needs to know of the machine that the code is for. Filled in by compiler/ from LLVM's target
// description; passes/ itself knows no LLVM.
#pragma once

#include <cstdint>

#include "passes/graph/conv_rules.h"

namespace rnc {

struct TargetInfo {
  int vector_lanes = 4;       // f32 elements in one vector register: 16 AVX-512, 8 AVX2, 4 SSE2 and NEON
  int vector_registers = 16;  // architectural vector registers: 32 with AVX-512 and NEON
  bool fma = false;           // fused multiply-add in hardware
  int64_t l1_bytes = 32 << 10;
  int64_t l2_bytes = 512 << 10;
  ConvRules conv;  // not the machine's: what the user asks for
};

}  // namespace rnc
