#include "compiler/units.h"

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include "compiler/emit/kernel.h"
#include "compiler/emit/model.h"
#include "compiler/emit/static_model.h"

namespace rnc {

std::vector<Unit> units_of(Variants variants) {
  std::vector<Unit> units;
  for (const LoweredModel& variant : variants) {
    const auto unaliased = unaliased_params(variant.program);
    for (size_t k = 0; k < unaliased.size(); ++k)
      units.push_back({&variant, &variant.program.kernels[k], unaliased[k]});
  }
  units.push_back({&variants.front(), nullptr, {}});
  return units;
}

std::unique_ptr<llvm::Module> emit_unit(Variants variants, const Unit& unit, llvm::LLVMContext& context) {
  if (unit.kernel == nullptr && unit.variant->standalone) return emit_static_model(*unit.variant, context);
  if (unit.kernel == nullptr) return emit_model(variants, context);
  const LoweredModel& model = *unit.variant;
  return emit_kernel(*unit.kernel, model.symbol(*unit.kernel), unit.unaliased, model.target, context,
                     model.debug);
}

GeneratedCode compile_unit(Variants variants, const Unit& unit, CodeKind kind) {
  llvm::LLVMContext context;
  // The entries of all variants run wherever one of them does.
  const bool of_all = unit.kernel == nullptr && variants.size() > 1;
  const Target& target = unit.variant->target;
  const std::unique_ptr<llvm::TargetMachine> machine =
      make_target_machine(of_all ? target.without_features() : target);
  const std::unique_ptr<llvm::Module> module = emit_unit(variants, unit, context);
  optimize(*module, *machine);
  return generate(*module, *machine, kind);
}

}  // namespace rnc
