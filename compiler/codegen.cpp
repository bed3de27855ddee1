#include "compiler/codegen.h"

#include <fmt/format.h>
#include <llvm/ADT/SmallString.h>
#include <llvm/CodeGen/MachineFrameInfo.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineLoopInfo.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/PseudoSourceValue.h>
#include <llvm/CodeGen/TargetInstrInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/OptBisect.h>
#include <llvm/IR/Verifier.h>
#include <llvm/PassRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Scalar/DCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <map>
#include <utility>

#include "compiler/llvm_compat.h"
#include "ir/graph/diagnostics.h"

namespace rnc {
namespace {

constexpr int64_t kPointerBytes = 8;

// Instructions and those among them that access spill slots, in loops counted eightfold per level.
struct SpillCount {
  int64_t instructions = 0;
  int64_t spills = 0;
  int64_t microkernel_spills = 0;  // of vectors in microkernels (see Frame), counted once
  int64_t frame_bytes = 0;
  // Too few to matter.
  bool negligible() const { return microkernel_spills == 0 && spills * 100 <= instructions; }
  bool operator<(const SpillCount& other) const {
    return std::pair(microkernel_spills, spills) < std::pair(other.microkernel_spills, other.spills);
  }
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
    const llvm::TargetInstrInfo& names = *function.getSubtarget().getInstrInfo();
    total_.frame_bytes = std::max(total_.frame_bytes, static_cast<int64_t>(frame.getStackSize()));
    std::map<const llvm::MachineLoop*, Innermost> innermost;
    for (const llvm::MachineBasicBlock& block : function) {
      const int64_t weight = int64_t{1} << (3 * std::min(loops.getLoopDepth(&block), 6u));
      const llvm::MachineLoop* loop = loops.getLoopFor(&block);
      Innermost unused;
      Innermost& counted = loop != nullptr && loop->isInnermost() ? innermost[loop] : unused;
      for (const llvm::MachineInstr& instruction : block) {
        total_.instructions += weight;
        ++counted.instructions;
        if (multiplies_and_adds(names.getName(instruction.getOpcode()))) ++counted.multiply_adds;
        const int64_t bytes = spilled_bytes(instruction, frame);
        if (bytes > 0) total_.spills += weight;
        if (bytes > kPointerBytes) ++counted.vector_spills;
      }
    }
    for (const auto& [loop, counted] : innermost) {
      if (2 * counted.multiply_adds >= counted.instructions)
        total_.microkernel_spills += counted.vector_spills;
    }
    return false;
  }

 private:
  struct Innermost {
    int64_t instructions = 0;
    int64_t multiply_adds = 0;
    int64_t vector_spills = 0;
  };

  // By LLVM's names of instructions: VFMADD231PSZr, FMLAv4f32.
  static bool multiplies_and_adds(llvm::StringRef name) {
    return name.contains("FMADD") || name.contains("FMLA");
  }

  // Of the spill slot that the instruction accesses; 0: none.
  static int64_t spilled_bytes(const llvm::MachineInstr& instruction, const llvm::MachineFrameInfo& frame) {
    for (const llvm::MachineMemOperand* access : instruction.memoperands()) {
      const auto* slot = llvm::dyn_cast_or_null<llvm::FixedStackPseudoSourceValue>(access->getPseudoValue());
      if (slot && frame.isSpillSlotObjectIndex(slot->getFrameIndex()))
        return frame.getObjectSize(slot->getFrameIndex());
    }
    return 0;
  }

  SpillCount& total_;
};

char CountSpills::id = 0;

struct Code {
  std::string bytes;
  SpillCount count;
};

// As TargetMachine::addPassesToEmitFile, with some passes left out. LLVM's own switches for that are global,
// and this runs on several threads.
Code generate_once(const llvm::Module& module, CodegenMachine& machine, CodeKind kind, MachinePasses use) {
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

// Leaves passes out function by function. LLVM asks it before each pass that optimises.
class PassGate : public llvm::OptPassGate {
 public:
  explicit PassGate(const std::map<std::string, MachinePasses>& passes) {
    for (const auto& [function, use] : passes) use_[fmt::format("function ({})", function)] = use;
  }
  bool isEnabled() const override { return true; }
  bool shouldRunPass(const llvm::StringRef pass, llvm::StringRef description) override {
    const auto found = use_.find(description.str());
    if (found == use_.end()) return true;
    const auto is = [&](const char& id) {
      return pass == llvm::PassRegistry::getPassRegistry()->getPassInfo(&id)->getPassName();
    };
    return !(is(llvm::MachineSchedulerID) && !found->second.schedule) &&
           !(is(llvm::EarlyMachineLICMID) && !found->second.hoist);
  }

 private:
  std::map<std::string, MachinePasses> use_;
};

GeneratedCode generated(Code code, MachinePasses passes) {
  const SpillCount& count = code.count;
  const double share =
      static_cast<double>(count.spills) / static_cast<double>(std::max<int64_t>(count.instructions, 1));
  return {
      std::move(code.bytes), {count.frame_bytes, count.microkernel_spills, share, passes.schedule}, passes};
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

GeneratedCode generate(const llvm::Module& module, llvm::TargetMachine& machine, CodeKind kind) {
  auto& codegen = static_cast<CodegenMachine&>(machine);
  MachinePasses used;
  Code best = generate_once(module, codegen, kind, used);
  for (const MachinePasses use : {MachinePasses{.schedule = false}, MachinePasses{.hoist = false}}) {
    if (best.count.negligible()) break;
    Code other = generate_once(module, codegen, kind, use);
    if (!(other.count < best.count)) continue;
    best = std::move(other);
    used = use;
  }
  return generated(std::move(best), used);
}

std::string generate_together(const llvm::Module& module, llvm::TargetMachine& machine, CodeKind kind,
                              const std::map<std::string, MachinePasses>& passes) {
  PassGate gate(passes);
  llvm::LLVMContext& context = module.getContext();
  context.setOptPassGate(gate);
  std::string bytes = generate_once(module, static_cast<CodegenMachine&>(machine), kind, {}).bytes;
  context.setOptPassGate(llvm::getGlobalPassGate());
  return bytes;
}

}  // namespace rnc
