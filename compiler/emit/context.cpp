#include <llvm/IR/Function.h>
#include <llvm/IR/Module.h>

#include <algorithm>

#include "compiler/emit/data.h"
#include "compiler/emit/entry.h"
#include "ir/loops/buffers.h"
#include "runtime/contract/abi.h"

namespace rnc {
namespace {

int32_t abi_kind(TensorKind kind) {
  switch (kind) {
    case TensorKind::parameter:
      return RN_PARAMETER;
    case TensorKind::buffer:
      return RN_BUFFER;
    case TensorKind::slot:
      return RN_SLOT;
    case TensorKind::gradient:
      return RN_GRADIENT;
    case TensorKind::prepared:
      return RN_PREPARED;
  }
  unreachable("tensor kind");
}

int64_t whole_lines(int64_t bytes) { return (bytes + RN_ALIGNMENT - 1) / RN_ALIGNMENT * RN_ALIGNMENT; }

void place_tensors(const Module& module, EntryContext& context) {
  for (const Tensor& tensor : module.tensors) {
    const int kind = abi_kind(tensor.kind);
    const int64_t bytes = storage_bytes_per_sample(tensor.type);
    int64_t& end = context.region_bytes.at(static_cast<size_t>(kind));
    context.tensors.push_back({kind, end, bytes});
    end += whole_lines(bytes);
  }
}

llvm::Constant* declare_kernel(const std::string& name, llvm::Module& module) {
  llvm::LLVMContext& llvm = module.getContext();
  llvm::Type* pointer = llvm::PointerType::getUnqual(llvm);
  llvm::Type* index = llvm::Type::getInt64Ty(llvm);
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(llvm), {pointer, index, index, index}, false);
  check(module.getFunction(name) == nullptr, "two kernels have one name: " + name);
  auto* function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  function->setVisibility(llvm::GlobalValue::HiddenVisibility);
  function->setDSOLocal(true);
  return function;
}

}  // namespace

int64_t scratch_bytes_per_worker(const loops::Program& program) {
  int64_t most = 0;
  for (const loops::Kernel& kernel : program.kernels) most = std::max(most, loops::scratch_bytes(kernel));
  return whole_lines(most);
}

EntryContext entry_context(const LoweredModel& model, llvm::Module& module, Data& data) {
  EntryContext context{model.program, {}, {}, {}, 0, {}};
  place_tensors(model.module, context);
  for (const std::vector<uint8_t>& bytes : model.program.constants)
    context.constants.push_back(data.bytes(bytes, RN_ALIGNMENT));
  for (const loops::Kernel& kernel : model.program.kernels)
    context.functions.push_back(declare_kernel(model.symbol(kernel), module));
  context.scratch_bytes_per_worker = scratch_bytes_per_worker(model.program);
  return context;
}

}  // namespace rnc
