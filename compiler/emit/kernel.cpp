#include "compiler/emit/kernel.h"

#include <fmt/format.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <filesystem>

#include "compiler/emit/body.h"
#include "compiler/llvm_compat.h"
#include "ir/loops/buffers.h"

namespace rnc {
namespace {

bool share_memory(const loops::EntryProgram& entry, const loops::Call& call, int a, int b) {
  const loops::Buffer& x = entry.buffers[static_cast<size_t>(a)];
  const loops::Buffer& y = entry.buffers[static_cast<size_t>(b)];
  if (loops::overlap(entry.buffers, a, b)) return true;
  if (x.region != y.region || x.region == loops::Region::part) return false;
  if (x.region != loops::Region::arena) return x.index == y.index;
  if (x.offset != y.offset) return false;
  for (const auto& [written, read] : call.in_place) {
    if ((written == a && read == b) || (written == b && read == a)) return true;
  }
  return false;
}

void set_attributes(llvm::Function& function, const loops::Kernel& kernel, const Target& target) {
  function.setVisibility(llvm::GlobalValue::HiddenVisibility);
  function.setDSOLocal(true);
  function.addFnAttr("target-cpu", target.baseline);
  function.addFnAttr("tune-cpu", target.cpu);
  function.addFnAttr("target-features", target.feature_string());
  function.addFnAttr("prefer-vector-width", std::to_string(kernel.code_vector_bytes * 8));
  function.addFnAttr("min-legal-vector-width", std::to_string(kernel.code_vector_bytes * 8));
  function.addFnAttr("frame-pointer", "none");
  function.addFnAttr("no-builtins");
  function.addFnAttr(llvm::Attribute::NoUnwind);
}

// The line table's root: the .graph file as the compilation unit, the kernel as its subprogram.
llvm::DISubprogram* add_debug_info(llvm::Module& module, llvm::Function& function,
                                   const loops::Kernel& kernel) {
  llvm::DIBuilder builder(module);
  const std::filesystem::path path = kernel.location.file->name;
  llvm::DIFile* file =
      builder.createFile(path.filename().string(), std::filesystem::absolute(path).parent_path().string());
  builder.createCompileUnit(llvm::dwarf::DW_LANG_C, file, "rnc " RNC_VERSION, true, "", 0, "",
                            llvm::DICompileUnit::LineTablesOnly);
  llvm::DISubroutineType* type = builder.createSubroutineType(builder.getOrCreateTypeArray({}));
  const auto line = static_cast<unsigned>(kernel.location.line);
  llvm::DISubprogram* subprogram =
      builder.createFunction(file, function.getName(), function.getName(), file, line, type, line,
                             llvm::DINode::FlagPrototyped, llvm::DISubprogram::SPFlagDefinition);
  function.setSubprogram(subprogram);
  module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  module.addModuleFlag(llvm::Module::Warning, "Dwarf Version", 5);
  builder.finalize();
  return subprogram;
}

BodyEmitter::Frame load_frame(llvm::IRBuilder<>& b, llvm::Function& function, const loops::Kernel& kernel) {
  llvm::Type* pointer = b.getPtrTy();
  llvm::Value* frame = function.getArg(0);
  const auto field = [&](unsigned index, llvm::Type* type, const std::string& name) -> llvm::Value* {
    return b.CreateLoad(type, b.CreateConstGEP1_64(b.getInt64Ty(), frame, index), name);
  };
  BodyEmitter::Frame values{};
  values.worker = function.getArg(3);
  values.batch = field(kFrameBatch, b.getInt64Ty(), "N");
  values.threads = field(kFrameThreads, b.getInt64Ty(), "threads");
  if (loops::scratch_bytes(kernel) > 0) {
    llvm::Value* all = field(kFrameScratch, pointer, "scratch.all");
    llvm::Value* stride = field(kFrameScratchStride, b.getInt64Ty(), "scratch.stride");
    values.scratch = b.CreateGEP(b.getInt8Ty(), all, b.CreateMul(stride, values.worker), "scratch");
  }
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    const auto index = static_cast<unsigned>(kFrameArguments + i);
    values.params.push_back(field(index, pointer, kernel.params[i]->name));
  }
  return values;
}

}  // namespace

std::vector<std::vector<bool>> unaliased_params(const loops::Program& program) {
  std::vector<std::vector<bool>> all;
  for (const loops::Kernel& kernel : program.kernels) all.emplace_back(kernel.params.size(), true);
  for (const loops::EntryProgram& entry : program.entries) {
    for (const loops::Call& call : entry.calls) {
      std::vector<bool>& unaliased = all.at(static_cast<size_t>(call.kernel));
      const size_t count = unaliased.size();
      check(call.arguments.size() == count, "a call has another number of arguments than its kernel");
      for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < i; ++j) {
          if (!share_memory(entry, call, call.arguments[i], call.arguments[j])) continue;
          unaliased[i] = unaliased[j] = false;
        }
      }
    }
  }
  return all;
}

std::unique_ptr<llvm::Module> new_module(const std::string& name, const Target& target,
                                         llvm::LLVMContext& context) {
  auto module = std::make_unique<llvm::Module>(name, context);
  set_triple(*module, target.triple);
  module->setDataLayout(make_target_machine(target)->createDataLayout());
  module->setPICLevel(llvm::PICLevel::SmallPIC);
  return module;
}

std::unique_ptr<llvm::Module> emit_kernel(const loops::Kernel& kernel, const std::string& symbol,
                                          const std::vector<bool>& unaliased, const Target& target,
                                          llvm::LLVMContext& context, bool debug) {
  auto module = new_module(symbol, target, context);
  llvm::IRBuilder<> b(context);
  llvm::Type* index = b.getInt64Ty();
  auto* type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), index, index, index}, false);
  auto* function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, symbol, module.get());
  constexpr const char* names[] = {"frame", "begin", "end", "worker"};
  for (unsigned i = 0; i < 4; ++i) function->getArg(i)->setName(names[i]);
  set_attributes(*function, kernel, target);

  llvm::DISubprogram* subprogram = nullptr;
  if (debug && kernel.location) {
    subprogram = add_debug_info(*module, *function, kernel);
    const auto line = static_cast<unsigned>(kernel.location.line);
    b.SetCurrentDebugLocation(llvm::DILocation::get(context, line, 0, subprogram));
  }
  b.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", function));
  const BodyEmitter::Frame frame = load_frame(b, *function, kernel);
  BodyEmitter(b, target, kernel, frame, unaliased, subprogram)
      .emit_tasks(function->getArg(1), function->getArg(2));
  b.CreateRetVoid();
  return module;
}

}  // namespace rnc
