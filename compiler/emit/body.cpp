#include "compiler/emit/body.h"

#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/MDBuilder.h>

#include <utility>

namespace rnc {

using loops::Memory;
using loops::MemoryRef;
using loops::Space;
using loops::Stmt;
using loops::StmtKind;
using loops::StmtNode;

namespace {

int64_t element_count(const Memory& memory) {
  int64_t count = 1;
  for (const loops::Extent& dim : memory.dims) {
    check(dim.per_sample == 0, "memory of a kernel's own grows with the batch: " + memory.name);
    count *= dim.fixed;
  }
  return count;
}

int64_t byte_size(const Memory& memory) { return element_count(memory) * loops::bytes(memory.scalar); }

void collect_scratch(const Stmt& stmt, std::vector<const Memory*>& found) {
  if (stmt->kind == StmtKind::alloc && stmt->memory->space == Space::scratch) {
    found.push_back(stmt->memory.get());
  }
  for (const Stmt& child : stmt->body) collect_scratch(child, found);
}

}  // namespace

BodyEmitter::BodyEmitter(llvm::IRBuilder<>& builder, const Target& target, const loops::Kernel& kernel,
                         const Frame& frame, const std::vector<bool>& noalias, llvm::DISubprogram* subprogram)
    : b_(builder),
      target_(target),
      kernel_(kernel),
      scratch_(frame.scratch),
      subprogram_(subprogram),
      repeated_loads_(builder, target.info.vector_registers / 2) {
  variables_["N"].affine = Affine::of(atom(frame.batch, 0));
  variables_["threads"].affine = Affine::of(atom(frame.threads, 0));
  variables_["worker"].affine = Affine::of(atom(frame.worker, 0));
  for (size_t i = 0; i < kernel.params.size(); ++i) places_[kernel.params[i].get()].base = frame.params[i];
  bind_alias_scopes(kernel, noalias);
}

// Every array gets an alias scope of its own; parameters that may share memory share one.
void BodyEmitter::bind_alias_scopes(const loops::Kernel& kernel, const std::vector<bool>& noalias) {
  llvm::LLVMContext& context = b_.getContext();
  llvm::MDBuilder metadata(context);
  llvm::MDNode* domain = metadata.createAnonymousAliasScopeDomain();
  llvm::MDNode* shared = metadata.createAnonymousAliasScope(domain);
  std::vector<const Memory*> memories;
  for (const MemoryRef& param : kernel.params) memories.push_back(param.get());
  collect_scratch(kernel.body, memories);
  std::vector<llvm::Metadata*> scopes{shared};
  std::vector<llvm::Metadata*> own(memories.size());
  for (size_t i = 0; i < memories.size(); ++i) {
    const bool may_alias = i < noalias.size() && !noalias[i];
    own[i] = may_alias ? shared : metadata.createAnonymousAliasScope(domain);
    if (!may_alias) scopes.push_back(own[i]);
  }
  for (size_t i = 0; i < memories.size(); ++i) {
    std::vector<llvm::Metadata*> others;
    for (llvm::Metadata* scope : scopes) {
      if (scope != own[i]) others.push_back(scope);
    }
    Place& place = places_[memories[i]];
    place.scope = llvm::MDNode::get(context, {own[i]});
    place.noalias = llvm::MDNode::get(context, others);
  }
}

void BodyEmitter::emit_tasks(llvm::Value* begin, llvm::Value* end) {
  const auto bound = [&](llvm::Value* value) {
    const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(value);
    return constant ? Affine{constant->getSExtValue(), {}} : Affine::of(atom(value, 0));
  };
  emit_loop("task", bound(begin), bound(end), 1, [&] { emit(kernel_.body); });
}

void BodyEmitter::emit_all(const std::vector<Stmt>& body) {
  for (const Stmt& stmt : body) emit(stmt);
}

void BodyEmitter::emit(const Stmt& stmt) {
  const llvm::DebugLoc outer = b_.getCurrentDebugLocation();
  if (subprogram_ && stmt->location && stmt->location.file == kernel_.location.file) {
    const auto line = static_cast<unsigned>(stmt->location.line);
    const auto column = static_cast<unsigned>(stmt->location.column);
    b_.SetCurrentDebugLocation(llvm::DILocation::get(b_.getContext(), line, column, subprogram_));
  }
  values_.clear();
  if (values_held_ == 0 || unrolled_ == 0) repeated_loads_.at_boundary();
  switch (stmt->kind) {
    case StmtKind::block:
      emit_all(stmt->body);
      break;
    case StmtKind::for_loop:
      emit_for(*stmt);
      break;
    case StmtKind::if_then:
      emit_if(*stmt);
      break;
    case StmtKind::let:
      emit_let(*stmt);
      break;
    case StmtKind::alloc:
      emit_alloc(*stmt);
      break;
    case StmtKind::store:
      emit_store(*stmt);
      break;
    case StmtKind::prefetch:
      emit_prefetch(*stmt);
      break;
  }
  values_.clear();
  b_.SetCurrentDebugLocation(outer);
}

void BodyEmitter::emit_for(const StmtNode& loop) {
  const Affine begin = affine(loop.begin);
  const Affine end = affine(loop.end);
  if (!loop.unrolled) {
    emit_loop(loop.variable, begin, end, loop.step, [&] { emit_all(loop.body); });
    return;
  }
  check(begin.is_constant() && end.is_constant(), "an unrolled loop needs constant bounds: " + loop.variable);
  ++unrolled_;
  for (int64_t i = begin.constant; i < end.constant; i += loop.step) {
    variables_[loop.variable] = {Affine{i, {}}, nullptr};
    emit_all(loop.body);
  }
  --unrolled_;
  variables_.erase(loop.variable);
}

// A bottom-tested loop, guarded unless it is known to run: what LICM and strength reduction want.
template <class Body>
void BodyEmitter::emit_loop(const std::string& variable, const Affine& begin, const Affine& end, int64_t step,
                            const Body& body) {
  const Affine length = end - begin;
  if (length.is_constant() && length.constant <= 0) return;
  if (length.is_constant() && length.constant <= step) {
    variables_[variable] = {begin, nullptr};
    body();
    variables_.erase(variable);
    return;
  }
  llvm::Function* function = b_.GetInsertBlock()->getParent();
  llvm::LLVMContext& context = b_.getContext();
  llvm::Value* first = materialize(begin);
  llvm::Value* bound = materialize(end);
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* header = llvm::BasicBlock::Create(context, variable, function);
  llvm::BasicBlock* exit = llvm::BasicBlock::Create(context, variable + ".end");
  if (length.is_constant()) {
    b_.CreateBr(header);
  } else {
    b_.CreateCondBr(b_.CreateICmpSLT(first, bound), header, exit);
  }
  b_.SetInsertPoint(header);
  llvm::PHINode* counter = b_.CreatePHI(b_.getInt64Ty(), 2, variable);
  counter->addIncoming(first, before);
  ++depth_;
  variables_[variable] = {Affine::of(atom(counter, depth_)), nullptr};
  const int held_outside = std::exchange(values_held_, 0);
  const int unrolled_outside = std::exchange(unrolled_, 0);
  body();
  values_held_ = held_outside;
  unrolled_ = unrolled_outside;
  variables_.erase(variable);
  --depth_;
  llvm::Value* next = b_.CreateAdd(counter, b_.getInt64(static_cast<uint64_t>(step)), "", false, true);
  counter->addIncoming(next, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpSLT(next, bound), header, exit);
  function->insert(function->end(), exit);
  b_.SetInsertPoint(exit);
}

void BodyEmitter::emit_if(const StmtNode& branch) {
  llvm::Value* condition = emit(branch.value);
  if (const auto* known = llvm::dyn_cast<llvm::ConstantInt>(condition)) {
    if (!known->isZero()) {
      emit(branch.body[0]);
    } else if (branch.body.size() > 1) {
      emit(branch.body[1]);
    }
    return;
  }
  llvm::Function* function = b_.GetInsertBlock()->getParent();
  llvm::LLVMContext& context = b_.getContext();
  llvm::BasicBlock* yes = llvm::BasicBlock::Create(context, "then", function);
  llvm::BasicBlock* end = llvm::BasicBlock::Create(context, "endif");
  llvm::BasicBlock* no = branch.body.size() > 1 ? llvm::BasicBlock::Create(context, "else") : end;
  b_.CreateCondBr(condition, yes, no);
  b_.SetInsertPoint(yes);
  emit(branch.body[0]);
  b_.CreateBr(end);
  if (no != end) {
    function->insert(function->end(), no);
    b_.SetInsertPoint(no);
    emit(branch.body[1]);
    b_.CreateBr(end);
  }
  function->insert(function->end(), end);
  b_.SetInsertPoint(end);
}

void BodyEmitter::emit_let(const StmtNode& let) {
  Binding binding;
  if (let.value->type == loops::ValueType{loops::Scalar::i64, 1}) {
    binding.affine = affine(let.value);
  } else {
    binding.value = emit(let.value);
  }
  variables_[let.variable] = binding;
  values_held_ += binding.value != nullptr;
  emit_all(let.body);
  values_held_ -= binding.value != nullptr;
  variables_.erase(let.variable);
}

void BodyEmitter::emit_alloc(const StmtNode& alloc) {
  const Memory& memory = *alloc.memory;
  Place& place = places_[&memory];
  const int64_t used_before = scratch_used_;
  if (memory.space == Space::scratch) {
    place.base = pointer(scratch_, Affine{scratch_used_, {}});
    scratch_used_ += (byte_size(memory) + 63) / 64 * 64;
  } else {
    llvm::BasicBlock& entry = b_.GetInsertBlock()->getParent()->getEntryBlock();
    llvm::IRBuilder<> at_entry(&entry, entry.begin());
    llvm::Type* array =
        llvm::ArrayType::get(type({memory.scalar, 1}), static_cast<uint64_t>(element_count(memory)));
    llvm::AllocaInst* tile = at_entry.CreateAlloca(array, nullptr, memory.name);
    tile->setAlignment(llvm::Align(64));
    b_.CreateLifetimeStart(tile);
    place.base = tile;
  }
  emit_all(alloc.body);
  scratch_used_ = used_before;
}

}  // namespace rnc
