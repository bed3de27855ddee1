#include "compiler/emit/entry.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <algorithm>
#include <cstddef>

#include "compiler/emit/data.h"
#include "runtime/contract/abi.h"

namespace rnc {
namespace {

using loops::Buffer;
using loops::Call;
using loops::EntryProgram;
using loops::Extent;
using loops::Region;

class EntryEmitter {
 public:
  EntryEmitter(llvm::Function& function, Data& data, const EntryContext& context, llvm::Function& call_loop,
               const EntryProgram& entry)
      : b_(llvm::BasicBlock::Create(function.getContext(), "entry", &function)),
        data_(data),
        context_(context),
        call_loop_(call_loop),
        entry_(entry),
        run_(function.getArg(0)) {}

  void emit() {
    std::vector<int64_t> buffers;
    for (const Buffer& buffer : entry_.buffers) add_place(buffer, buffers);
    std::vector<int64_t> arguments, calls;
    for (const Call& call : entry_.calls) {
      const Extent& tasks = context_.program.kernels.at(static_cast<size_t>(call.kernel)).tasks;
      const auto first = static_cast<int64_t>(arguments.size());
      const auto count = static_cast<int64_t>(call.arguments.size());
      for (const int64_t field : {int64_t{call.kernel}, tasks.fixed, tasks.per_sample, first, count})
        calls.push_back(field);
      arguments.insert(arguments.end(), call.arguments.begin(), call.arguments.end());
    }
    for (const std::vector<int64_t>* table : {&buffers, &arguments, &calls})
      tables_.push_back(data_.numbers(*table));
    const int64_t of_loss = loss_calls(context_, entry_);
    if (of_loss > 0) {
      emit_calls(0, of_loss);
      emit_stop_at_bad_loss();
    }
    emit_calls(of_loss, static_cast<int64_t>(entry_.calls.size()));
    b_.CreateRetVoid();
  }

 private:
  llvm::Value* integer(int64_t value) { return b_.getInt64(static_cast<uint64_t>(value)); }

  // Where the loop finds the buffer: which base, the pointer's index there, and the offset from it.
  void add_place(const Buffer& buffer, std::vector<int64_t>& places) const {
    const auto place = [&](CallBase base, int64_t index, const Extent& offset) {
      for (const int64_t field : {int64_t{base}, index, offset.fixed, offset.per_sample})
        places.push_back(field);
    };
    constexpr auto pointer_index = [](size_t offset) { return static_cast<int64_t>(offset / sizeof(void*)); };
    switch (buffer.region) {
      case Region::input:
        return place(kBaseInputs, buffer.index, {});
      case Region::output:
        return place(kBaseOutputs, buffer.index, {});
      case Region::tensor: {
        const TensorPlace& tensor = context_.tensors.at(static_cast<size_t>(buffer.index));
        return place(kBaseRun, pointer_index(offsetof(rn_run, tensors)) + tensor.kind, {tensor.offset, 0});
      }
      case Region::constant:
        return place(kBaseConstants, buffer.index, {});
      case Region::arena:
        return place(kBaseRun, pointer_index(offsetof(rn_run, arena)), buffer.offset);
      case Region::part: {
        const Extent& whole = entry_.buffers.at(static_cast<size_t>(buffer.index)).offset;
        return place(kBaseRun, pointer_index(offsetof(rn_run, arena)),
                     {whole.fixed + buffer.offset.fixed, whole.per_sample});
      }
    }
    unreachable("region");
  }

  void emit_calls(int64_t begin, int64_t end) {
    if (begin == end) return;
    b_.CreateCall(&call_loop_, {run_, tables_[0], tables_[1], tables_[2], integer(begin), integer(end)});
  }

  // Returns unless the loss is finite, so that it spoils no parameter.
  void emit_stop_at_bad_loss() {
    const auto load_pointer = [&](llvm::Value* from, int64_t offset) {
      return b_.CreateLoad(b_.getPtrTy(), b_.CreateGEP(b_.getInt8Ty(), from, integer(offset)));
    };
    llvm::Value* outputs = load_pointer(run_, offsetof(rn_run, outputs));
    llvm::Value* loss = b_.CreateLoad(b_.getFloatTy(), load_pointer(outputs, 8 * entry_.loss()), "loss");
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
  Data& data_;
  const EntryContext& context_;
  llvm::Function& call_loop_;
  const EntryProgram& entry_;
  llvm::Value* run_;
  std::vector<llvm::Constant*> tables_;
};

}  // namespace

int64_t loss_calls(const EntryContext& context, const EntryProgram& entry) {
  if (!computes_gradients(entry.role)) return 0;
  const auto is_loss = [&](int argument) {
    const Buffer& buffer = entry.buffers.at(static_cast<size_t>(argument));
    return buffer.region == Region::output && buffer.index == entry.loss();
  };
  int64_t count = 0;
  for (size_t c = 0; c < entry.calls.size(); ++c) {
    const Call& call = entry.calls[c];
    const loops::Kernel& kernel = context.program.kernels.at(static_cast<size_t>(call.kernel));
    for (size_t i = 0; i < call.arguments.size(); ++i)
      if (kernel.params.at(i)->access != loops::Access::read && is_loss(call.arguments[i]))
        count = static_cast<int64_t>(c) + 1;
  }
  return count;
}

llvm::Function* emit_entry(llvm::Module& module, Data& data, const EntryContext& context,
                           llvm::Function* call_loop, const EntryProgram& entry) {
  llvm::LLVMContext& llvm = module.getContext();
  auto* type =
      llvm::FunctionType::get(llvm::Type::getVoidTy(llvm), {llvm::PointerType::getUnqual(llvm)}, false);
  auto* function =
      llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, "entry." + entry.name, module);
  function->addFnAttr("no-builtins");
  function->addFnAttr(llvm::Attribute::NoUnwind);
  EntryEmitter(*function, data, context, *call_loop, entry).emit();
  return function;
}

}  // namespace rnc
