// The few places where the versions of LLVM that rnc builds with (19 to 22) differ.
#pragma once

#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

#include <memory>
#include <string>

namespace rnc {

#if LLVM_VERSION_MAJOR >= 20
using CodegenMachine = llvm::TargetMachine;
#else
using CodegenMachine = llvm::LLVMTargetMachine;
#endif

inline void set_triple(llvm::Module& module, const std::string& triple) {
#if LLVM_VERSION_MAJOR >= 21
  module.setTargetTriple(llvm::Triple(triple));
#else
  module.setTargetTriple(triple);
#endif
}

inline const llvm::Target* find_llvm_target(const std::string& triple, std::string& error) {
#if LLVM_VERSION_MAJOR >= 22
  return llvm::TargetRegistry::lookupTarget(llvm::Triple(triple), error);
#else
  return llvm::TargetRegistry::lookupTarget(triple, error);
#endif
}

inline std::unique_ptr<llvm::TargetMachine> new_target_machine(const llvm::Target& target,
                                                               const std::string& triple,
                                                               const std::string& cpu,
                                                               const std::string& features,
                                                               const llvm::TargetOptions& options) {
#if LLVM_VERSION_MAJOR >= 21
  const llvm::Triple parsed(triple);
#else
  const std::string& parsed = triple;
#endif
  return std::unique_ptr<llvm::TargetMachine>(
      target.createTargetMachine(parsed, cpu, features, options, llvm::Reloc::PIC_));
}

inline std::unique_ptr<llvm::MCSubtargetInfo> new_subtarget_info(const llvm::Target& target,
                                                                 const std::string& triple,
                                                                 const std::string& cpu,
                                                                 const std::string& features) {
#if LLVM_VERSION_MAJOR >= 22
  const llvm::Triple parsed(triple);
#else
  const std::string& parsed = triple;
#endif
  return std::unique_ptr<llvm::MCSubtargetInfo>(target.createMCSubtargetInfo(parsed, cpu, features));
}

}  // namespace rnc
