#include "compiler/emit/entry.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <algorithm>
#include <cstddef>

#include "compiler/emit/kernel.h"
#include "runtime/abi.h"

namespace rnc {
namespace {

using loops::Buffer;
using loops::Call;
using loops::EntryProgram;
using loops::Extent;
using loops::Region;

class EntryEmitter {
 public:
  EntryEmitter(llvm::Function& function, const EntryContext& context, const EntryProgram& entry)
      : b_(llvm::BasicBlock::Create(function.getContext(), "entry", &function)),
        context_(context),
        entry_(entry),
        run_(function.getArg(0)) {}

  void emit() {
    batch_ = field(offsetof(rn_run, batch), b_.getInt64Ty(), "N");
    parallel_for_ = pointer_field(offsetof(rn_run, parallel_for), "parallel_for");
    host_ = pointer_field(offsetof(rn_run, context), "context");
    size_t most = 0;
    for (const Call& call : entry_.calls) most = std::max(most, call.arguments.size());
    frame_ = b_.CreateAlloca(llvm::ArrayType::get(b_.getInt64Ty(), kFrameArguments + most), nullptr, "frame");
    store(kFrameBatch, batch_);
    store(kFrameThreads, field(offsetof(rn_run, threads), b_.getInt64Ty(), "threads"));
    store(kFrameScratch, pointer_field(offsetof(rn_run, scratch), "scratch"));
    store(kFrameScratchStride, integer(context_.scratch_bytes_per_worker));
    const int loss = loss_call();
    for (size_t i = 0; i < entry_.calls.size(); ++i) {
      emit_call(static_cast<int64_t>(i), entry_.calls[i]);
      if (static_cast<int>(i) == loss) emit_stop_at_bad_loss();
    }
    b_.CreateRetVoid();
  }

 private:
  llvm::Value* integer(int64_t value) { return b_.getInt64(static_cast<uint64_t>(value)); }

  llvm::Value* field(size_t offset, llvm::Type* type, const char* name) {
    return b_.CreateLoad(type, at(run_, integer(static_cast<int64_t>(offset))), name);
  }
  llvm::Value* pointer_field(size_t offset, const char* name) { return field(offset, b_.getPtrTy(), name); }

  llvm::Value* at(llvm::Value* base, llvm::Value* bytes) { return b_.CreateGEP(b_.getInt8Ty(), base, bytes); }

  llvm::Value* extent(const Extent& extent) {
    if (extent.per_sample == 0) return integer(extent.fixed);
    llvm::Value* grown = b_.CreateMul(batch_, integer(extent.per_sample));
    return extent.fixed == 0 ? grown : b_.CreateAdd(grown, integer(extent.fixed));
  }

  llvm::Value* element(const char* name, size_t table, int index) {
    llvm::Value* pointers = pointer_field(table, name);
    return b_.CreateLoad(b_.getPtrTy(), at(pointers, integer(8 * int64_t{index})));
  }

  llvm::Value* address(const Buffer& buffer) {
    const auto index = static_cast<size_t>(buffer.index);
    switch (buffer.region) {
      case Region::input:
        return element("inputs", offsetof(rn_run, inputs), buffer.index);
      case Region::output:
        return element("outputs", offsetof(rn_run, outputs), buffer.index);
      case Region::tensor: {
        const TensorPlace& place = context_.tensors.at(index);
        const size_t slot = offsetof(rn_run, tensors) + sizeof(void*) * static_cast<size_t>(place.kind);
        return at(pointer_field(slot, "tensors"), integer(place.offset));
      }
      case Region::constant:
        return context_.constants.at(index);
      case Region::arena:
        return at(pointer_field(offsetof(rn_run, arena), "arena"), extent(buffer.offset));
    }
    unreachable("region");
  }

  void store(size_t slot, llvm::Value* value) {
    b_.CreateStore(value, b_.CreateConstGEP1_64(b_.getInt64Ty(), frame_, slot));
  }

  void emit_call(int64_t number, const Call& call) {
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      store(kFrameArguments + i, address(entry_.buffers.at(static_cast<size_t>(call.arguments[i]))));
    }
    llvm::Type* pointer = b_.getPtrTy();
    llvm::Type* index = b_.getInt64Ty();
    auto* type = llvm::FunctionType::get(b_.getVoidTy(), {pointer, index, index, pointer, pointer}, false);
    const auto kernel = static_cast<size_t>(call.kernel);
    llvm::Value* tasks = extent(context_.program.kernels.at(kernel).tasks);
    b_.CreateCall(type, parallel_for_,
                  {host_, integer(number), tasks, context_.functions.at(kernel), frame_});
  }

  bool is_loss(const Buffer& buffer) const {
    return buffer.region == Region::output &&
           entry_.outputs.at(static_cast<size_t>(buffer.index)).first == "loss";
  }

  // The call that finishes the loss of an entry that trains; -1 if there is none.
  int loss_call() const {
    if (entry_.name != "train_step" && entry_.name != "backward") return -1;
    int last = -1;
    for (size_t c = 0; c < entry_.calls.size(); ++c) {
      const Call& call = entry_.calls[c];
      const loops::Kernel& kernel = context_.program.kernels.at(static_cast<size_t>(call.kernel));
      for (size_t i = 0; i < call.arguments.size(); ++i) {
        const bool written = kernel.params.at(i)->access != loops::Access::read;
        if (written && is_loss(entry_.buffers.at(static_cast<size_t>(call.arguments[i]))))
          last = static_cast<int>(c);
      }
    }
    return last;
  }

  // Returns unless the loss is finite, so that it spoils no parameter.
  void emit_stop_at_bad_loss() {
    const auto output = std::ranges::find(entry_.outputs, "loss", &std::pair<std::string, Type>::first);
    llvm::Value* loss = b_.CreateLoad(
        b_.getFloatTy(),
        element("outputs", offsetof(rn_run, outputs), static_cast<int>(output - entry_.outputs.begin())),
        "loss");
    constexpr uint32_t kExponent = 0x7f800000;  // all ones: infinite or NaN
    llvm::Value* exponent = b_.CreateAnd(b_.CreateBitCast(loss, b_.getInt32Ty()), kExponent);
    llvm::Function* function = b_.GetInsertBlock()->getParent();
    auto* stop = llvm::BasicBlock::Create(b_.getContext(), "stop", function);
    auto* go_on = llvm::BasicBlock::Create(b_.getContext(), "finite", function);
    b_.CreateCondBr(b_.CreateICmpEQ(exponent, b_.getInt32(kExponent)), stop, go_on);
    b_.SetInsertPoint(stop);
    b_.CreateRetVoid();
    b_.SetInsertPoint(go_on);
  }

  llvm::IRBuilder<> b_;
  const EntryContext& context_;
  const EntryProgram& entry_;
  llvm::Value* run_;
  llvm::Value* batch_ = nullptr;
  llvm::Value* parallel_for_ = nullptr;
  llvm::Value* host_ = nullptr;
  llvm::Value* frame_ = nullptr;
};

}  // namespace

llvm::Function* emit_entry(llvm::Module& module, const EntryContext& context, const EntryProgram& entry) {
  llvm::LLVMContext& llvm = module.getContext();
  auto* type =
      llvm::FunctionType::get(llvm::Type::getVoidTy(llvm), {llvm::PointerType::getUnqual(llvm)}, false);
  auto* function =
      llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, "entry." + entry.name, module);
  function->addFnAttr("no-builtins");
  function->addFnAttr(llvm::Attribute::NoUnwind);
  EntryEmitter(*function, context, entry).emit();
  return function;
}

}  // namespace rnc
