// Expressions: index arithmetic as affine sums, everything else as LLVM values.
#include <algorithm>

#include "compiler/emit/bfloat16.h"
#include "compiler/emit/body.h"
#include "compiler/emit/math.h"
#include "ir/ops/random.h"

namespace rnc {

using loops::Binary;
using loops::Expr;
using loops::ExprKind;
using loops::ExprNode;
using loops::Reduce;
using loops::Scalar;
using loops::Unary;
using loops::ValueType;

namespace {

constexpr ValueType kIndex{Scalar::i64, 1};

bool is_float(Scalar s) { return s == Scalar::f32 || s == Scalar::f64; }

bool is_index_arithmetic(const ExprNode& e) {
  return e.type == kIndex && (e.kind == ExprKind::constant || e.kind == ExprKind::variable ||
                              e.kind == ExprKind::unary || e.kind == ExprKind::binary);
}

MathSupport math_support(const Target& target, const loops::Kernel& kernel) {
  const bool x86 = target.baseline == "x86-64";
  const bool bf16 = x86 && target.has("avx512bf16") && target.has("avx512vl");
  return {.fma = target.info.fma,
          .floor = !x86 || target.has("sse4.1"),
          .bf16_lanes = bf16 ? kernel.code_vector_bytes / loops::bytes(Scalar::f32) : 0,
          .scale = x86 && target.has("avx512f")};
}

// A quotient of what has none is as undefined as in the code that runs.
int64_t fold(Binary op, int64_t a, int64_t b) {
  const bool undefined = b <= 0;
  switch (op) {
    case Binary::div:
      return undefined ? 0 : a / b;
    case Binary::mod:
      return undefined ? 0 : a % b;
    case Binary::min:
      return std::min(a, b);
    case Binary::max:
      return std::max(a, b);
    default:
      unreachable("not an index operation");
  }
}

}  // namespace

llvm::Type* BodyEmitter::type(ValueType t) {
  llvm::Type* scalar = nullptr;
  switch (t.scalar) {
    case Scalar::u8:
      scalar = b_.getInt8Ty();
      break;
    case Scalar::i32:
      scalar = b_.getInt32Ty();
      break;
    case Scalar::i64:
      scalar = b_.getInt64Ty();
      break;
    case Scalar::f32:
      scalar = b_.getFloatTy();
      break;
    case Scalar::f64:
      scalar = b_.getDoubleTy();
      break;
    case Scalar::bf16:  // its bits: no arithmetic of LLVM's is wanted
      scalar = b_.getInt16Ty();
      break;
    case Scalar::boolean:
      scalar = b_.getInt1Ty();
      break;
    default:
      unreachable("no type of kernels");
  }
  if (t.lanes == 1) return scalar;
  return llvm::FixedVectorType::get(scalar, static_cast<unsigned>(t.lanes));
}

llvm::Value* BodyEmitter::emit(const Expr& e) {
  if (const auto known = values_.find(e.get()); known != values_.end()) return known->second;
  llvm::Value* value = is_index_arithmetic(*e) ? materialize(affine(e)) : emit_uncached(*e);
  values_[e.get()] = value;
  return value;
}

llvm::Value* BodyEmitter::emit_uncached(const ExprNode& e) {
  const auto operand = [&](size_t i) { return emit(e.operands[i]); };
  switch (e.kind) {
    case ExprKind::constant:
      if (is_float(e.type.scalar)) return llvm::ConstantFP::get(type(e.type), e.real);
      return llvm::ConstantInt::get(type(e.type), static_cast<uint64_t>(e.integer), true);
    case ExprKind::variable:
      return variables_.at(e.variable).value;
    case ExprKind::unary:
      return emit_unary(e.unary, operand(0), e.type.scalar);
    case ExprKind::binary:
      return emit_binary(e.binary, operand(0), operand(1), e.operands[0]->type.scalar);
    case ExprKind::fma:
      return emit_fma(b_, math_support(target_, kernel_), operand(0), operand(1), operand(2));
    case ExprKind::dot_pairs: {
      llvm::Value *a = operand(0), *b = operand(1);
      return emit_dot_pairs(b_, math_support(target_, kernel_), a, b, operand(2));
    }
    case ExprKind::select: {
      llvm::Value* condition = operand(0);
      if (const auto* known = llvm::dyn_cast<llvm::ConstantInt>(condition)) {
        return operand(known->isZero() ? 2 : 1);
      }
      llvm::Value* yes = operand(1);
      return b_.CreateSelect(condition, yes, operand(2));
    }
    case ExprKind::cast:
      return emit_cast(operand(0), e.operands[0]->type.scalar, e.type);
    case ExprKind::broadcast:
      if (e.operands[0]->kind == ExprKind::cast && e.operands[0]->operands[0]->type.scalar == Scalar::bf16) {
        // Widened in all lanes: a number that is widened alone goes by way of the integer registers.
        llvm::Value* narrow = emit(e.operands[0]->operands[0]);
        return broadcast_bf16(b_, narrow, e.type.lanes);
      }
      return b_.CreateVectorSplat(static_cast<unsigned>(e.type.lanes), operand(0));
    case ExprKind::spread: {
      std::vector<int> lanes;
      for (int lane = 0; lane < e.type.lanes; ++lane) {
        lanes.push_back(lane / e.group * e.group + static_cast<int>(e.integer));
      }
      return b_.CreateShuffleVector(operand(0), lanes);
    }
    case ExprKind::interleave: {
      std::vector<int> lanes;
      const int first = static_cast<int>(e.integer) * e.type.lanes / 2;
      for (int lane = 0; lane < e.type.lanes; ++lane) {
        lanes.push_back(first + lane / 2 + (lane % 2 == 0 ? 0 : e.type.lanes));
      }
      llvm::Value* a = operand(0);
      return b_.CreateShuffleVector(a, operand(1), lanes);
    }
    case ExprKind::zip: {
      std::vector<int> lanes;
      for (int lane = 0; lane < e.type.lanes; ++lane)
        lanes.push_back(lane / 2 + (lane % 2 == 0 ? 0 : e.type.lanes / 2));
      llvm::Value* a = operand(0);
      return b_.CreateShuffleVector(a, operand(1), lanes);
    }
    case ExprKind::ramp: {
      std::vector<llvm::Constant*> steps;
      for (int lane = 0; lane < e.type.lanes; ++lane)
        steps.push_back(b_.getInt32(static_cast<uint32_t>(lane * e.integer)));
      llvm::Value* first = b_.CreateVectorSplat(static_cast<unsigned>(e.type.lanes), operand(0));
      return b_.CreateAdd(first, llvm::ConstantVector::get(steps));
    }
    case ExprKind::random: {
      llvm::Value *key = operand(0), *stream = operand(1);
      return emit_random(key, stream, operand(2));
    }
    case ExprKind::mask: {
      llvm::Value* a = operand(0);
      llvm::Value* exists = lane_mask(affine(e.operands[1]), e.type.lanes);
      return b_.CreateSelect(exists, a, llvm::Constant::getNullValue(a->getType()));
    }
    case ExprKind::reduce:
      return emit_reduce(e.reduce, operand(0), e.operands[0]->type);
    case ExprKind::load:
      return emit_load(e);
  }
  unreachable("expression kind");
}

llvm::Value* BodyEmitter::emit_unary(Unary op, llvm::Value* a, Scalar scalar) {
  const MathSupport support = math_support(target_, kernel_);
  switch (op) {
    case Unary::neg:
      return is_float(scalar) ? b_.CreateFNeg(a) : b_.CreateNeg(a);
    case Unary::sqrt:
      return b_.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, a);
    case Unary::exp:
      return emit_exp(b_, support, a);
    case Unary::log:
      return emit_log(b_, support, a);
    case Unary::floor:
      return emit_floor(b_, support, a);
    case Unary::tanh:
      return emit_tanh(b_, support, a);
    case Unary::erf:
      return emit_erf(b_, support, a);
  }
  unreachable("unary operation");
}

llvm::Value* BodyEmitter::emit_binary(Binary op, llvm::Value* a, llvm::Value* b, Scalar scalar) {
  const bool real = is_float(scalar);
  switch (op) {
    case Binary::add:
      return real ? b_.CreateFAdd(a, b) : b_.CreateAdd(a, b);
    case Binary::sub:
      return real ? b_.CreateFSub(a, b) : b_.CreateSub(a, b);
    case Binary::mul:
      return real ? b_.CreateFMul(a, b) : b_.CreateMul(a, b);
    case Binary::div:  // integers are >= 0, and unsigned division by a constant is the cheaper one
      return real ? b_.CreateFDiv(a, b) : b_.CreateUDiv(a, b);
    case Binary::mod:
      return b_.CreateURem(a, b);
    case Binary::min:  // as x86's minps: one instruction
      return b_.CreateSelect(real ? b_.CreateFCmpOLT(a, b) : b_.CreateICmpSLT(a, b), a, b);
    case Binary::max:
      return b_.CreateSelect(real ? b_.CreateFCmpOGT(a, b) : b_.CreateICmpSGT(a, b), a, b);
    case Binary::lt:
      return real                   ? b_.CreateFCmpOLT(a, b)
             : scalar == Scalar::u8 ? b_.CreateICmpULT(a, b)
                                    : b_.CreateICmpSLT(a, b);
    case Binary::le:
      return real                   ? b_.CreateFCmpOLE(a, b)
             : scalar == Scalar::u8 ? b_.CreateICmpULE(a, b)
                                    : b_.CreateICmpSLE(a, b);
    case Binary::eq:
      return real ? b_.CreateFCmpOEQ(a, b) : b_.CreateICmpEQ(a, b);
    case Binary::ne:
      return real ? b_.CreateFCmpUNE(a, b) : b_.CreateICmpNE(a, b);
    case Binary::logic_and:
      return b_.CreateAnd(a, b);
    case Binary::logic_or:
      return b_.CreateOr(a, b);
  }
  unreachable("binary operation");
}

// philox() of ir/ops/random.h.
llvm::Value* BodyEmitter::emit_random(llvm::Value* key, llvm::Value* y, llvm::Value* x) {
  llvm::Type* word = x->getType();
  llvm::Type* wide = word->getWithNewType(b_.getInt64Ty());
  for (int round = 0; round < kPhiloxRounds; ++round) {
    llvm::Value* product =
        b_.CreateMul(b_.CreateZExt(x, wide), llvm::ConstantInt::get(wide, kPhiloxMultiplier));
    x = b_.CreateXor(b_.CreateXor(b_.CreateTrunc(b_.CreateLShr(product, 32), word), key), y);
    y = b_.CreateTrunc(product, word);
    key = b_.CreateAdd(key, llvm::ConstantInt::get(word, kPhiloxWeyl));
  }
  return x;
}

llvm::Value* BodyEmitter::emit_cast(llvm::Value* a, Scalar from, ValueType to) {
  llvm::Type* result = type(to);
  if (from == Scalar::bf16) return from_bf16(b_, a);
  if (to.scalar == Scalar::bf16) return to_bf16(b_, math_support(target_, kernel_), a);
  if (is_float(from) && is_float(to.scalar)) return b_.CreateFPCast(a, result);
  if (is_float(from)) {  // bytes by way of i32, which vector units convert to
    if (to.scalar != Scalar::u8) return b_.CreateFPToSI(a, result);
    return b_.CreateTrunc(b_.CreateFPToSI(a, type({Scalar::i32, to.lanes})), result);
  }
  const bool is_unsigned = from == Scalar::u8 || from == Scalar::boolean;
  if (!is_float(to.scalar)) return b_.CreateIntCast(a, result, !is_unsigned);
  if (is_unsigned) a = b_.CreateZExt(a, type({Scalar::i32, to.lanes}));
  return b_.CreateSIToFP(a, result);
}

// Halves combined lane-wise until one lane is left.
llvm::Value* BodyEmitter::emit_reduce(Reduce op, llvm::Value* a, ValueType type) {
  const Binary combine = op == Reduce::add ? Binary::add : Binary::max;
  for (int half = type.lanes / 2; half >= 1; half /= 2) {
    std::vector<int> low, high;
    for (int lane = 0; lane < half; ++lane) {
      low.push_back(lane);
      high.push_back(lane + half);
    }
    a = emit_binary(combine, b_.CreateShuffleVector(a, low), b_.CreateShuffleVector(a, high), type.scalar);
  }
  return type.lanes == 1 ? a : b_.CreateExtractElement(a, uint64_t{0});
}

Affine BodyEmitter::affine(const Expr& e) {
  switch (e->kind) {
    case ExprKind::constant:
      return {e->integer, {}};
    case ExprKind::variable: {
      const Binding& binding = variables_.at(e->variable);
      if (!binding.value) return binding.affine;
      break;
    }
    case ExprKind::unary:
      return affine(e->operands[0]) * -1;
    case ExprKind::binary:
      return affine_binary(*e);
    default:
      break;
  }
  llvm::Value* value = emit(e);
  if (const auto* known = llvm::dyn_cast<llvm::ConstantInt>(value)) return {known->getSExtValue(), {}};
  return Affine::of(atom(value, depth_));
}

Affine BodyEmitter::affine_binary(const ExprNode& e) {
  const Affine a = affine(e.operands[0]);
  const Affine b = affine(e.operands[1]);
  if (e.binary == Binary::add) return a + b;
  if (e.binary == Binary::sub) return a - b;
  if (e.binary == Binary::mul && b.is_constant()) return a * b.constant;
  if (e.binary == Binary::mul && a.is_constant()) return b * a.constant;
  if (e.binary != Binary::mul && a.is_constant() && b.is_constant()) {
    return {fold(e.binary, a.constant, b.constant), {}};
  }
  if ((e.binary == Binary::div || e.binary == Binary::mod) && b.is_constant() && b.constant > 0) {
    Affine quotient;
    int64_t remainder = 0;
    if (a.divide(b.constant, quotient, remainder)) {
      return e.binary == Binary::div ? quotient : Affine{remainder, {}};
    }
  }
  llvm::Value* value = emit_binary(e.binary, materialize(a), materialize(b), Scalar::i64);
  return Affine::of(atom(value, std::max(a.depth(), b.depth())));
}

llvm::Value* BodyEmitter::materialize(const Affine& a) {
  llvm::Value* sum = nullptr;
  for (const Affine::Term& term : a.terms) {
    llvm::Value* product = term.atom.value;
    if (term.coefficient != 1) {
      product = b_.CreateMul(product, b_.getInt64(static_cast<uint64_t>(term.coefficient)), "", false, true);
    }
    sum = sum ? b_.CreateAdd(sum, product, "", false, true) : product;
  }
  llvm::Value* constant = b_.getInt64(static_cast<uint64_t>(a.constant));
  if (!sum) return constant;
  return a.constant == 0 ? sum : b_.CreateAdd(sum, constant, "", false, true);
}

}  // namespace rnc
