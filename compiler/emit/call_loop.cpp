// The loop over an entry's calls, which all entries share. In C:
//
//   void call_loop(const rn_run* run, const int64_t (*buffers)[4], const int64_t* arguments,
//                  const int64_t (*calls)[5], int64_t begin, int64_t end) {
//     void* const* bases[4] = {run, run->inputs, run->outputs, constants};
//     int64_t frame[...] = {run->batch, run->threads, run->scratch, scratch_bytes_per_worker};
//     for (int64_t c = begin; c < end; ++c) {
//       const auto [kernel, tasks, tasks_per_sample, first, count] = calls[c];
//       for (int64_t i = 0; i < count; ++i) {
//         const auto [base, index, offset, offset_per_sample] = buffers[arguments[first + i]];
//         frame[kFrameArguments + i] = bases[base][index] + offset + offset_per_sample * run->batch;
//       }
//       run->parallel_for(run->context, c, tasks + tasks_per_sample * run->batch, kernels[kernel], frame);
//     }
//   }
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <algorithm>
#include <cstddef>
#include <functional>

#include "compiler/emit/data.h"
#include "compiler/emit/entry.h"
#include "compiler/emit/kernel.h"
#include "runtime/contract/abi.h"

namespace rnc {
namespace {

class CallLoop {
 public:
  CallLoop(llvm::Function& function, Data& data, const EntryContext& context)
      : b_(llvm::BasicBlock::Create(function.getContext(), "entry", &function)),
        function_(function),
        data_(data),
        context_(context) {}

  void emit() {
    batch_ = field(offsetof(rn_run, batch), "N");
    llvm::Value* host = field(offsetof(rn_run, context), "context");
    llvm::Value* parallel_for = field(offsetof(rn_run, parallel_for), "parallel_for");
    bases_ = array(4, "bases");
    put(bases_, kBaseRun, b_.CreatePtrToInt(function_.getArg(0), b_.getInt64Ty()));
    put(bases_, kBaseInputs, field(offsetof(rn_run, inputs), "inputs"));
    put(bases_, kBaseOutputs, field(offsetof(rn_run, outputs), "outputs"));
    put(bases_, kBaseConstants, b_.CreatePtrToInt(data_.table(context_.constants), b_.getInt64Ty()));
    frame_ = array(kFrameArguments + most_arguments(), "frame");
    put(frame_, kFrameBatch, batch_);
    put(frame_, kFrameThreads, field(offsetof(rn_run, threads), "threads"));
    put(frame_, kFrameScratch, field(offsetof(rn_run, scratch), "scratch"));
    put(frame_, kFrameScratchStride, number(context_.scratch_bytes_per_worker));
    llvm::Value* kernels = data_.table(context_.functions);
    loop(function_.getArg(4), function_.getArg(5), [&](llvm::Value* c) {
      llvm::Value* call = element(function_.getArg(3), b_.CreateMul(c, number(kCallFields)));
      llvm::Value* first = get_at(call, 3);
      loop(number(0), get_at(call, 4), [&](llvm::Value* i) { pass_argument(b_.CreateAdd(first, i), i); });
      llvm::Type* index = b_.getInt64Ty();
      llvm::Type* pointer = b_.getPtrTy();
      auto* type = llvm::FunctionType::get(b_.getVoidTy(), {index, index, index, index, pointer}, false);
      b_.CreateCall(type, b_.CreateIntToPtr(parallel_for, pointer),
                    {host, c, extent(call, 1), get(kernels, get_at(call, 0)), frame_});
    });
    b_.CreateRetVoid();
  }

 private:
  static constexpr int64_t kBufferFields = 4, kCallFields = 5;

  size_t most_arguments() const {
    size_t most = 0;
    for (const loops::Kernel& kernel : context_.program.kernels) most = std::max(most, kernel.params.size());
    return most;
  }

  llvm::Value* number(int64_t value) { return b_.getInt64(static_cast<uint64_t>(value)); }
  llvm::Value* array(size_t count, const char* name) {
    return b_.CreateAlloca(llvm::ArrayType::get(b_.getInt64Ty(), count), nullptr, name);
  }
  llvm::Value* element(llvm::Value* array, llvm::Value* index) {
    return b_.CreateGEP(b_.getInt64Ty(), array, index);
  }
  llvm::Value* get(llvm::Value* array, llvm::Value* index) {
    return b_.CreateLoad(b_.getInt64Ty(), element(array, index));
  }
  llvm::Value* get_at(llvm::Value* array, int64_t index) { return get(array, number(index)); }
  void put(llvm::Value* array, int64_t index, llvm::Value* value) {
    b_.CreateStore(value, element(array, number(index)));
  }
  llvm::Value* field(size_t offset, const char* name) {
    llvm::Value* value = get_at(function_.getArg(0), static_cast<int64_t>(offset / 8));
    value->setName(name);
    return value;
  }
  // The number at `at`, and that after it times N.
  llvm::Value* extent(llvm::Value* array, int64_t at) {
    return b_.CreateAdd(get_at(array, at), b_.CreateMul(get_at(array, at + 1), batch_));
  }

  void pass_argument(llvm::Value* argument, llvm::Value* place) {
    llvm::Value* which = get(function_.getArg(2), argument);
    llvm::Value* buffer = element(function_.getArg(1), b_.CreateMul(which, number(kBufferFields)));
    llvm::Value* base = b_.CreateIntToPtr(get(bases_, get_at(buffer, 0)), b_.getPtrTy());
    llvm::Value* address = b_.CreateAdd(get(base, get_at(buffer, 1)), extent(buffer, 2));
    b_.CreateStore(address, element(frame_, b_.CreateAdd(place, number(kFrameArguments))));
  }

  void loop(llvm::Value* begin, llvm::Value* end, const std::function<void(llvm::Value*)>& body) {
    llvm::BasicBlock* before = b_.GetInsertBlock();
    auto* head = llvm::BasicBlock::Create(b_.getContext(), "head", &function_);
    auto* inside = llvm::BasicBlock::Create(b_.getContext(), "body", &function_);
    auto* after = llvm::BasicBlock::Create(b_.getContext(), "after", &function_);
    b_.CreateBr(head);
    b_.SetInsertPoint(head);
    llvm::PHINode* i = b_.CreatePHI(b_.getInt64Ty(), 2);
    i->addIncoming(begin, before);
    b_.CreateCondBr(b_.CreateICmpSLT(i, end), inside, after);
    b_.SetInsertPoint(inside);
    body(i);
    i->addIncoming(b_.CreateAdd(i, number(1)), b_.GetInsertBlock());
    b_.CreateBr(head);
    b_.SetInsertPoint(after);
  }

  llvm::IRBuilder<> b_;
  llvm::Function& function_;
  Data& data_;
  const EntryContext& context_;
  llvm::Value* batch_ = nullptr;
  llvm::Value* bases_ = nullptr;
  llvm::Value* frame_ = nullptr;
};

}  // namespace

llvm::Function* emit_call_loop(llvm::Module& module, Data& data, const EntryContext& context) {
  llvm::Type* pointer = llvm::PointerType::getUnqual(module.getContext());
  llvm::Type* index = llvm::Type::getInt64Ty(module.getContext());
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(module.getContext()),
                                       {pointer, pointer, pointer, pointer, index, index}, false);
  auto* function =
      llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, "entry.call_loop", module);
  function->addFnAttr("no-builtins");
  function->addFnAttr(llvm::Attribute::NoUnwind);
  CallLoop(*function, data, context).emit();
  return function;
}

}  // namespace rnc
