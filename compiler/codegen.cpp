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

// Passes over machine code before register allocation, each of which may lengthen the lives of values so that
// a register tile no longer fits.
struct Passes {
  bool schedule = true;  // reorders instructions
  bool hoist = true;     // moves what does not change out of loops
};

// As TargetMachine::addPassesToEmitFile, with some passes left out. LLVM's own switches for that are global,
// and this runs on several threads.
Code generate_once(const llvm::Module& module, CodegenMachine& machine, CodeKind kind, Passes use) {
  const std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
  Code code;
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager passes;
  auto* info = new llvm::MachineModuleInfoWrapperPass(&machine);
  llvm::TargetPassConfig* config = machine.createPassConfig(passes);
  if (!use.schedule) config->disablePass(&llvm::MachineSchedulerID);
  if (!use.hoist) config->disablePass(&llvm::EarlyMachineLICMID);
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
  // Nothing that the loop IR keeps in memory is kept in registers instead (so 0 accesses for promotion): they
  // would be missing in the loops inside.
  llvm::LICMOptions licm;
  licm.MssaNoAccForPromotionCap = 0;
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(licm), true));
  passes.addPass(llvm::EarlyCSEPass(true));
  passes.addPass(llvm::DCEPass());
  for (llvm::Function& function : module) {
    if (!function.isDeclaration()) passes.run(function, functions);
  }
}

std::string generate(const llvm::Module& module, llvm::TargetMachine& machine, CodeKind kind) {
  auto& codegen = static_cast<CodegenMachine&>(machine);
  Code best = generate_once(module, codegen, kind, {});
  for (const Passes use : {Passes{.schedule = false}, Passes{.hoist = false}}) {
    if (best.count.negligible()) break;
    Code other = generate_once(module, codegen, kind, use);
    if (other.count.spills < best.count.spills) best = std::move(other);
  }
  return std::move(best.bytes);
}

}  // namespace rnc
