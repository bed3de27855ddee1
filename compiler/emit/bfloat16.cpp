#include "compiler/emit/bfloat16.h"

#include <llvm/IR/IntrinsicsX86.h>

namespace rnc {

using llvm::Value;

namespace {

constexpr uint64_t kBf16Shift = 16, kBf16Half = 0x7fff, kBf16Quiet = 0x40;

unsigned lanes_of(const Value* x) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(x->getType());
  return vector == nullptr ? 1 : vector->getNumElements();
}

// i32 or i16 of as many lanes.
llvm::Type* words(llvm::IRBuilder<>& b, const Value* like, unsigned bits) {
  return like->getType()->getWithNewType(b.getIntNTy(bits));
}

}  // namespace

Value* from_bf16(llvm::IRBuilder<>& b, Value* bits) {
  Value* wide = b.CreateShl(b.CreateZExt(bits, words(b, bits, 32)), kBf16Shift);
  return b.CreateBitCast(wide, bits->getType()->getWithNewType(b.getFloatTy()));
}

Value* broadcast_bf16(llvm::IRBuilder<>& b, Value* bits, int lanes) {
  const auto count = static_cast<unsigned>(lanes);
  Value* pairs = b.CreateVectorSplat(2 * count, bits);  // straight from memory
  Value* wide = b.CreateBitCast(pairs, llvm::FixedVectorType::get(b.getInt32Ty(), count));
  return b.CreateBitCast(b.CreateShl(wide, kBf16Shift), llvm::FixedVectorType::get(b.getFloatTy(), count));
}

Value* to_bf16(llvm::IRBuilder<>& b, MathSupport support, Value* x) {
  llvm::Type* narrow = words(b, x, 16);
  const unsigned lanes = lanes_of(x);
  if (support.bf16 && (lanes == 16 || lanes == 8)) {
    const auto instruction = lanes == 16 ? llvm::Intrinsic::x86_avx512bf16_cvtneps2bf16_512
                                         : llvm::Intrinsic::x86_avx512bf16_cvtneps2bf16_256;
    return b.CreateBitCast(b.CreateIntrinsic(instruction, {}, {x}), narrow);
  }
  Value* bits = b.CreateBitCast(x, words(b, x, 32));
  Value* high = b.CreateLShr(bits, kBf16Shift);
  Value* odd = b.CreateAnd(high, 1);
  const auto constant = [&](uint64_t value) { return llvm::ConstantInt::get(bits->getType(), value); };
  Value* rounded = b.CreateLShr(b.CreateAdd(b.CreateAdd(bits, constant(kBf16Half)), odd), kBf16Shift);
  Value* is_nan = b.CreateFCmpUNO(x, x);
  Value* quiet = b.CreateOr(high, constant(kBf16Quiet));
  return b.CreateTrunc(b.CreateSelect(is_nan, quiet, rounded), narrow);
}

}  // namespace rnc
