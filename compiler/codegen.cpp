#include "compiler/codegen.h"

#include <llvm/ADT/SmallString.h>
#include <llvm/CodeGen/MachineFrameInfo.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineLoopInfo.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/PseudoSourceValue.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Scalar/DCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include "compiler/llvm_compat.h"
#include "ir/diagnostics.h"

namespace rnc {
namespace {

// Instructions and those among them that access spill slots, in loops counted eightfold per level.
struct SpillCount {
  int64_t instructions = 0;
  int64_t spills = 0;
  // Too few to matter.
  bool negligible() const { return spills * 100 <= instructions; }
};

class CountSpills : public llvm::MachineFunctionPass {
 public:
  static char id;
  explicit CountSpills(SpillCount& total) : MachineFunctionPass(id), total_(total) {}

  void getAnalysisUsage(llvm::AnalysisUsage& usage) const override {
    usage.addRequired<llvm::MachineLoopInfoWrapperPass>();
    usage.setPreservesAll();
    MachineFunctionPass::getAnalysisUsage(usage);
  }

  bool runOnMachineFunction(llvm::MachineFunction& function) override {
    const auto& loops = getAnalysis<llvm::MachineLoopInfoWrapperPass>().getLI();
    const llvm::MachineFrameInfo& frame = function.getFrameInfo();
    for (const llvm::MachineBasicBlock& block : function) {
      const int64_t weight = int64_t{1} << (3 * std::min(loops.getLoopDepth(&block), 6u));
      for (const llvm::MachineInstr& instruction : block) {
        total_.instructions += weight;
        if (touches_spill_slot(instruction, frame)) total_.spills += weight;
      }
    }
    return false;
  }

 private:
  static bool touches_spill_slot(const llvm::MachineInstr& instruction, const llvm::MachineFrameInfo& frame) {
    for (const llvm::MachineMemOperand* access : instruction.memoperands()) {
      const auto* slot = llvm::dyn_cast_or_null<llvm::FixedStackPseudoSourceValue>(access->getPseudoValue());
      if (slot && frame.isSpillSlotObjectIndex(slot->getFrameIndex())) return true;
    }
    return false;
  }

  SpillCount& total_;
};

char CountSpills::id = 0;

struct Code {
  std::string bytes;
  SpillCount count;
};

// As TargetMachine::addPassesToEmitFile, with the machine scheduler left out on demand. LLVM's own switch for
// that is global, and this runs on several threads.
Code generate_once(const llvm::Module& module, CodegenMachine& machine, CodeKind kind, bool schedule) {
  const std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
  Code code;
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager passes;
  auto* info = new llvm::MachineModuleInfoWrapperPass(&machine);
  llvm::TargetPassConfig* config = machine.createPassConfig(passes);
  if (!schedule) config->disablePass(&llvm::MachineSchedulerID);
  passes.add(config);
  passes.add(info);
  check(!config->addISelPasses(), "LLVM has no instruction selector for the target");
  config->addMachinePasses();
  config->setInitialized();
  passes.add(new CountSpills(code.count));
  const auto type =
      kind == CodeKind::object ? llvm::CodeGenFileType::ObjectFile : llvm::CodeGenFileType::AssemblyFile;
  check(!machine.addAsmPrinter(passes, out, nullptr, type, info->getMMI().getContext()),
        "LLVM cannot print code for the target");
  passes.add(llvm::createFreeMachineFunctionPass());
  passes.run(*copy);
  code.bytes = std::string(bytes);
  return code;
}

}  // namespace

void optimize(llvm::Module& module, llvm::TargetMachine& machine) {
  std::string error;
  llvm::raw_string_ostream errors(error);
  check(!llvm::verifyModule(module, &errors), "invalid LLVM IR: " + errors.str());

  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);

  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(true));
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), true));
  passes.addPass(llvm::EarlyCSEPass(true));
  passes.addPass(llvm::DCEPass());
  for (llvm::Function& function : module) {
    if (!function.isDeclaration()) passes.run(function, functions);
  }
}

std::string generate(const llvm::Module& module, llvm::TargetMachine& machine, CodeKind kind) {
  auto& codegen = static_cast<CodegenMachine&>(machine);
  Code scheduled = generate_once(module, codegen, kind, true);
  if (scheduled.count.negligible()) return std::move(scheduled.bytes);
  Code in_order = generate_once(module, codegen, kind, false);
  return std::move(in_order.count.spills < scheduled.count.spills ? in_order.bytes : scheduled.bytes);
}

}  // namespace rnc
