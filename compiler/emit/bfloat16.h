// bf16 from and to f32 (runtime/contract/bfloat16.h); in LLVM's IR its bits, i16, so that every step is written here.
#pragma once

#include "compiler/emit/math.h"

namespace rnc {

// Exact.
llvm::Value* from_bf16(llvm::IRBuilder<>& b, llvm::Value* bits);
// The number in `bits`, a scalar, in each of `lanes` lanes.
llvm::Value* broadcast_bf16(llvm::IRBuilder<>& b, llvm::Value* bits, int lanes);
// Rounded to the nearest, of two the even one. AVX512-BF16's instruction takes denormals for zeros, other code does not.
llvm::Value* to_bf16(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x);

// loops::dot_pairs.
llvm::Value* emit_dot_pairs(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x, llvm::Value* y,
                            llvm::Value* sum);

}  // namespace rnc
