// In C:
//
//   static void serial(void* context, int64_t call, int64_t count, rn_task task, const void* frame) {
//     task(frame, 0, count, 0);
//   }
//   void net_infer(const void* image, void* logits, int64_t n, void* memory) {
//     const void* inputs[] = {image};
//     void* outputs[] = {logits};
//     const rn_run run = {.batch = n, .inputs = inputs, .outputs = outputs, .arena = memory + scratch bytes, .threads = 1,
//                         .scratch = memory, .parallel_for = serial};
//     entry.infer(&run);
//   }
#include "compiler/emit/static_model.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <cstddef>
#include <vector>

#include "compiler/emit/data.h"
#include "compiler/emit/entry.h"
#include "compiler/emit/kernel.h"
#include "compiler/static_header.h"
#include "runtime/contract/abi.h"

namespace rnc {
namespace {

llvm::Function* emit_serial(llvm::Module& module) {
  llvm::LLVMContext& context = module.getContext();
  llvm::IRBuilder<> b(context);
  llvm::Type* index = b.getInt64Ty();
  llvm::Type* pointer = b.getPtrTy();
  auto* type = llvm::FunctionType::get(b.getVoidTy(), {pointer, index, index, pointer, pointer}, false);
  auto* function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, "serial", module);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  b.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", function));
  auto* task = llvm::FunctionType::get(b.getVoidTy(), {pointer, index, index, index}, false);
  b.CreateCall(task, function->getArg(3),
               {function->getArg(4), b.getInt64(0), function->getArg(2), b.getInt64(0)});
  b.CreateRetVoid();
  return function;
}

class StaticEntry {
 public:
  StaticEntry(llvm::Module& module, const EntryContext& context, const loops::EntryProgram& entry)
      : module_(module), context_(context), entry_(entry), b_(module.getContext()) {}

  void emit(const std::string& name, llvm::Function& run_entry, llvm::Function& serial) {
    std::vector<llvm::Type*> types;
    for (const Node& input : entry_.inputs)
      if (must_be_given(input)) types.push_back(argument_type(input.type));
    for (size_t i = 0; i < entry_.outputs.size(); ++i) types.push_back(b_.getPtrTy());
    types.push_back(b_.getInt64Ty());
    types.push_back(b_.getPtrTy());
    auto* type = llvm::FunctionType::get(b_.getVoidTy(), types, false);
    function_ = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module_);
    function_->addFnAttr(llvm::Attribute::NoUnwind);
    b_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", function_));
    llvm::Value* inputs = emit_inputs();
    llvm::Value* outputs = pointers(entry_.outputs.size());
    for (size_t i = 0; i < entry_.outputs.size(); ++i) put(outputs, 8 * i, next_argument());
    llvm::Value* n = next_argument();
    llvm::Value* memory = next_argument();
    llvm::Value* run = b_.CreateAlloca(llvm::ArrayType::get(b_.getInt64Ty(), sizeof(rn_run) / 8));
    for (size_t field = 0; field < sizeof(rn_run); field += 8) put(run, field, b_.getInt64(0));
    put(run, offsetof(rn_run, batch), n);
    put(run, offsetof(rn_run, inputs), inputs);
    put(run, offsetof(rn_run, outputs), outputs);
    put(run, offsetof(rn_run, scratch), memory);
    put(run, offsetof(rn_run, arena), at(memory, static_cast<uint64_t>(context_.scratch_bytes_per_worker)));
    put(run, offsetof(rn_run, threads), b_.getInt64(1));
    put(run, offsetof(rn_run, parallel_for), &serial);
    b_.CreateCall(&run_entry, {run});
    b_.CreateRetVoid();
  }

 private:
  llvm::Type* element_type(const Type& type) {
    switch (type.dtype) {
      case DType::u8:
        return b_.getInt8Ty();
      case DType::i32:
        return b_.getInt32Ty();
      case DType::f64:
        return b_.getDoubleTy();
      default:
        return b_.getFloatTy();
    }
  }
  llvm::Type* argument_type(const Type& type) {
    return type.rank() == 0 ? element_type(type) : b_.getPtrTy();
  }
  llvm::Value* next_argument() { return function_->getArg(next_++); }
  llvm::Value* pointers(size_t count) {
    return b_.CreateAlloca(llvm::ArrayType::get(b_.getPtrTy(), std::max<size_t>(count, 1)));
  }
  llvm::Value* at(llvm::Value* base, uint64_t offset) {
    return b_.CreateGEP(b_.getInt8Ty(), base, b_.getInt64(offset));
  }
  void put(llvm::Value* base, uint64_t offset, llvm::Value* value) {
    b_.CreateStore(value, at(base, offset));
  }

  // Arrays are given; numbers are given by value, or have the model's own.
  llvm::Value* emit_inputs() {
    llvm::Value* inputs = pointers(entry_.inputs.size());
    for (size_t i = 0; i < entry_.inputs.size(); ++i) {
      const Node& input = entry_.inputs[i];
      llvm::Value* value = nullptr;
      if (input.type.rank() > 0) {
        value = next_argument();
      } else {
        llvm::AllocaInst* place = b_.CreateAlloca(element_type(input.type));
        place->setAlignment(llvm::Align(RN_ALIGNMENT));
        b_.CreateStore(must_be_given(input) ? next_argument() : own_value(input), place);
        value = place;
      }
      put(inputs, 8 * i, value);
    }
    return inputs;
  }

  llvm::Value* own_value(const Node& input) {
    return llvm::ConstantFP::get(element_type(input.type), input.attributes.get<double>("default"));
  }

  llvm::Module& module_;
  const EntryContext& context_;
  const loops::EntryProgram& entry_;
  llvm::IRBuilder<> b_;
  llvm::Function* function_ = nullptr;
  unsigned next_ = 0;
};

}  // namespace

std::unique_ptr<llvm::Module> emit_static_model(const LoweredModel& model, llvm::LLVMContext& context) {
  std::unique_ptr<llvm::Module> module = new_module("model", model.target, context);
  Data data(*module);
  const EntryContext entries = entry_context(model, *module, data);
  const loops::EntryProgram& infer = static_entry(model.program);
  llvm::Function* call_loop = emit_call_loop(*module, data, entries);
  llvm::Function* run = emit_entry(*module, data, entries, call_loop, infer);
  StaticEntry(*module, entries, infer).emit(static_symbol(model.link_name), *run, *emit_serial(*module));
  return module;
}

}  // namespace rnc
