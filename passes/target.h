// What lowering needs to know of the machine that the code is for. Filled in by compiler/ from LLVM's target
// description; passes/ itself knows no LLVM.
#pragma once

#include <cstdint>

#include "ir/graph/type.h"
#include "passes/graph/conv_rules.h"
#include "passes/graph/precision_rules.h"

namespace rnc {

// Of an f32, which all kernels compute in.
inline constexpr int64_t kFloatBytes = 4;

struct TargetInfo {
  int vector_bytes = 16;      // of one vector register: 64 AVX-512, 32 AVX2, 16 SSE2 and NEON
  int vector_registers = 16;  // architectural vector registers: 32 with AVX-512 and NEON
  bool fma = false;           // fused multiply-add in hardware
  int64_t l1_bytes = 32 << 10;
  int64_t l2_bytes = 512 << 10;
  // Not the machine's: what the user asks for.
  ConvRules conv;
  PrecisionRules precision;
  // The machine's again: loops::dot_pairs in hardware, at the rate of FMAs.
  bool dot_pairs = false;

  // Elements in one vector register, as they are computed with. Values in blocks of channels have as many in a block,
  // whatever they are stored as: what is stored in fewer bytes is widened as it is loaded.
  int lanes(DType dtype) const {
    return vector_bytes / static_cast<int>(bytes(contract::compute_type(dtype)));
  }
};

}  // namespace rnc
