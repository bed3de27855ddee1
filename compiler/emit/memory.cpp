// Loads, stores and addresses.
#include <llvm/IR/IntrinsicInst.h>

#include "compiler/emit/body.h"

namespace rnc {

using loops::Expr;
using loops::ExprNode;
using loops::Memory;
using loops::MemoryRef;
using loops::StmtNode;

namespace {

// Parameters, scratch and register tiles begin on this boundary.
constexpr int64_t kAlignment = 64;

llvm::Align align(const Affine& offset) {
  return llvm::Align(static_cast<uint64_t>(offset.alignment(kAlignment)));
}

}  // namespace

template <class Instruction>
Instruction* BodyEmitter::tagged(Instruction* access, const MemoryRef& memory) {
  const Place& place = places_.at(memory.get());
  if (place.scope) access->setMetadata(llvm::LLVMContext::MD_alias_scope, place.scope);
  if (place.noalias) access->setMetadata(llvm::LLVMContext::MD_noalias, place.noalias);
  return access;
}

Affine BodyEmitter::offset_of(const Memory& memory, const std::vector<Expr>& index) {
  Affine offset;
  for (size_t d = index.size(); d-- > 0;)
    offset = offset + affine(index[d]) * (stride_of(memory, d) * loops::bytes(memory.scalar));
  return offset;
}

// base + terms, outermost first, + constant: LICM then leaves a base register and a small displacement.
llvm::Value* BodyEmitter::pointer(llvm::Value* base, const Affine& offset) {
  llvm::Value* at = base;
  for (const Affine::Term& term : offset.terms) {
    llvm::Value* bytes =
        b_.CreateMul(term.atom.value, b_.getInt64(static_cast<uint64_t>(term.coefficient)), "", false, true);
    at = b_.CreateGEP(b_.getInt8Ty(), at, bytes);
  }
  if (offset.constant == 0) return at;
  return b_.CreateGEP(b_.getInt8Ty(), at, b_.getInt64(static_cast<uint64_t>(offset.constant)));
}

llvm::Value* BodyEmitter::lane_mask(const Affine& valid, int lanes) {
  std::vector<llvm::Constant*> iota;
  for (int lane = 0; lane < lanes; ++lane) iota.push_back(b_.getInt32(static_cast<uint32_t>(lane)));
  llvm::Value* count = b_.CreateTrunc(materialize(valid), b_.getInt32Ty());
  return b_.CreateICmpSLT(llvm::ConstantVector::get(iota),
                          b_.CreateVectorSplat(static_cast<unsigned>(lanes), count));
}

llvm::Value* BodyEmitter::lane_pointers(llvm::Value* first, int64_t stride, int lanes) {
  std::vector<llvm::Constant*> offsets;
  for (int lane = 0; lane < lanes; ++lane)
    offsets.push_back(b_.getInt64(static_cast<uint64_t>(lane * stride)));
  return b_.CreateGEP(b_.getInt8Ty(), first, llvm::ConstantVector::get(offsets));
}

llvm::Value* BodyEmitter::emit_load(const ExprNode& load) {
  const Memory& memory = *load.memory;
  llvm::Value* base = places_.at(&memory).base;
  const Affine offset = offset_of(memory, load.operands);
  const int lanes = load.type.lanes;
  if (memory.space != loops::Space::registers) repeated_loads_.about_to_load(&memory, offset, lanes);
  llvm::Type* type = this->type(load.type);
  if (lanes == 1)
    return tagged(b_.CreateAlignedLoad(type, pointer(base, offset), align(offset)), load.memory);

  const int64_t stride = stride_of(memory, static_cast<size_t>(load.lane_dim));
  Affine valid{lanes, {}};
  if (load.valid) valid = affine(load.valid);
  if (valid.is_constant() && valid.constant <= 0) return llvm::Constant::getNullValue(type);
  if (valid.is_constant() && valid.constant >= lanes) {
    if (stride != 1) return load_strided(load, base, stride, offset);
    return tagged(b_.CreateAlignedLoad(type, pointer(base, offset), align(offset)), load.memory);
  }
  llvm::Value* mask = lane_mask(valid, lanes);
  llvm::Value* zero = llvm::Constant::getNullValue(type);
  llvm::Value* first = pointer(base, offset);
  if (stride == 1) return tagged(b_.CreateMaskedLoad(type, first, align(offset), mask, zero), load.memory);
  const int64_t bytes = loops::bytes(memory.scalar);
  llvm::Value* pointers = lane_pointers(first, stride * bytes, lanes);
  const llvm::Align element(static_cast<uint64_t>(bytes));
  return tagged(b_.CreateMaskedGather(type, pointers, element, mask, zero), load.memory);
}

llvm::Value* BodyEmitter::load_strided(const ExprNode& load, llvm::Value* base, int64_t stride,
                                       Affine offset) {
  llvm::Type* element = type({load.type.scalar, 1});
  llvm::Value* lanes = llvm::PoisonValue::get(type(load.type));
  for (int lane = 0; lane < load.type.lanes; ++lane) {
    llvm::Value* value =
        tagged(b_.CreateAlignedLoad(element, pointer(base, offset), align(offset)), load.memory);
    lanes = b_.CreateInsertElement(lanes, value, static_cast<uint64_t>(lane));
    offset.constant += stride * loops::bytes(load.type.scalar);
  }
  return lanes;
}

void BodyEmitter::emit_store(const StmtNode& store) {
  const Memory& memory = *store.memory;
  llvm::Value* value = emit(store.value);
  llvm::Value* base = places_.at(&memory).base;
  const Affine offset = offset_of(memory, store.index);
  const int lanes = store.value->type.lanes;
  if (lanes == 1) {
    tagged(b_.CreateAlignedStore(value, pointer(base, offset), align(offset)), store.memory);
    return;
  }
  const int64_t stride = stride_of(memory, static_cast<size_t>(store.lane_dim));
  Affine valid{lanes, {}};
  if (store.valid) valid = affine(store.valid);
  if (valid.is_constant() && valid.constant <= 0) return;
  if (valid.is_constant() && valid.constant >= lanes) {
    if (stride != 1) return store_strided(store, value, base, stride, offset);
    tagged(b_.CreateAlignedStore(value, pointer(base, offset), align(offset)), store.memory);
    return;
  }
  llvm::Value* mask = lane_mask(valid, lanes);
  llvm::Value* first = pointer(base, offset);
  if (stride == 1) {
    tagged(b_.CreateMaskedStore(value, first, align(offset), mask), store.memory);
    return;
  }
  const int64_t bytes = loops::bytes(memory.scalar);
  llvm::Value* pointers = lane_pointers(first, stride * bytes, lanes);
  const llvm::Align element(static_cast<uint64_t>(bytes));
  tagged(b_.CreateMaskedScatter(value, pointers, element, mask), store.memory);
}

void BodyEmitter::store_strided(const StmtNode& store, llvm::Value* value, llvm::Value* base, int64_t stride,
                                Affine offset) {
  for (int lane = 0; lane < store.value->type.lanes; ++lane) {
    llvm::Value* element = b_.CreateExtractElement(value, static_cast<uint64_t>(lane));
    tagged(b_.CreateAlignedStore(element, pointer(base, offset), align(offset)), store.memory);
    offset.constant += stride * loops::bytes(store.memory->scalar);
  }
}

// Into all levels of cache, for reading.
void BodyEmitter::emit_prefetch(const StmtNode& prefetch) {
  llvm::Value* base = places_.at(prefetch.memory.get()).base;
  llvm::Value* at = pointer(base, offset_of(*prefetch.memory, prefetch.index));
  const auto read = b_.getInt32(0), keep = b_.getInt32(3), data = b_.getInt32(1);
  b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {at->getType()}, {at, read, keep, data});
}

}  // namespace rnc
