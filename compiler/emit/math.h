// Elementary functions as straight-line vector code: a model may call nothing, so there is no libm.
#pragma once

#include <llvm/IR/IRBuilder.h>

namespace rnc {

// What the target has of its own.
struct MathSupport {
  bool fma = false;
  bool floor = false;
  // f32 in the widest vector for which there are instructions for bf16 (AVX512-BF16): of what the kernel may use, as LLVM 19
  // finds no end where one is wider.
  int64_t bf16_lanes = 0;
  bool scale = false;  // a vector of 16 f32 times powers of two (AVX-512's scalef)
};

// a * b + c, rounded once where the target has FMA, else twice.
llvm::Value* emit_fma(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* a, llvm::Value* c,
                      llvm::Value* d);
llvm::Value* emit_floor(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x);
// f32 or f64, scalar or vector. Errors up to about 1 unit in the last place; overflow gives infinity,
// underflow denormals and then 0, NaN gives NaN.
llvm::Value* emit_exp(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x);
// log(0) = -inf, log(negative) = NaN, log(inf) = inf; denormals are exact operands.
llvm::Value* emit_log(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x);

// Of f32. NaN gives NaN, the sign of zero is kept.
llvm::Value* emit_tanh(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x);
llvm::Value* emit_erf(llvm::IRBuilder<>& b, MathSupport support, llvm::Value* x);

}  // namespace rnc
