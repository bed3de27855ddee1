#include "compiler/emit/bfloat16.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <vector>

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

namespace {

// Lanes first, first + 2, ... as f32.
Value* every_second(llvm::IRBuilder<>& b, Value* bits, unsigned first) {
  std::vector<int> lanes;
  for (unsigned lane = first; lane < lanes_of(bits); lane += 2) lanes.push_back(static_cast<int>(lane));
  return from_bf16(b, b.CreateShuffleVector(bits, lanes));
}

}  // namespace

Value* emit_dot_pairs(llvm::IRBuilder<>& b, MathSupport support, Value* x, Value* y, Value* sum) {
  const unsigned lanes = lanes_of(sum);
  if (lanes_of(y) != lanes_of(x)) {  // straight from memory
    Value* pair = b.CreateVectorSplat(lanes, b.CreateBitCast(y, b.getInt32Ty()));
    y = b.CreateBitCast(pair, x->getType());
  }
  if (lanes <= support.bf16_lanes && (lanes == 16 || lanes == 8)) {
    const auto instruction = lanes == 16 ? llvm::Intrinsic::x86_avx512bf16_dpbf16ps_512
                                         : llvm::Intrinsic::x86_avx512bf16_dpbf16ps_256;
    llvm::Type* type = llvm::FixedVectorType::get(b.getBFloatTy(), 2 * lanes);
    return b.CreateIntrinsic(instruction, {}, {sum, b.CreateBitCast(x, type), b.CreateBitCast(y, type)});
  }
  for (const unsigned place : {1U, 0U})
    sum = emit_fma(b, support, every_second(b, x, place), every_second(b, y, place), sum);
  return sum;
}

Value* to_bf16(llvm::IRBuilder<>& b, MathSupport support, Value* x) {
  llvm::Type* narrow = words(b, x, 16);
  const unsigned lanes = lanes_of(x);
  if (lanes <= support.bf16_lanes && (lanes == 16 || lanes == 8)) {
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
