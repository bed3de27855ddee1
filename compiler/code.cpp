#include "compiler/code.h"

#include <fmt/format.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "compiler/codegen.h"
#include "compiler/emit/kernel.h"
#include "compiler/emit/model.h"
#include "compiler/link.h"

namespace rnc {
namespace {

// What is compiled by itself: a kernel of a variant, or, without a kernel, entries and descriptors of all variants.
struct Unit {
  const LoweredModel* variant;
  const loops::Kernel* kernel;
  std::vector<bool> unaliased;  // see unaliased_params
};

// Entries and descriptors come last.
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

// Units are taken in turn by the machine's threads; the result does not depend on how many there are.
// The frames of kernels go to `frames`, if given.
std::vector<std::string> compile_units(Variants variants, CodeKind kind, std::vector<KernelFrame>* frames) {
  const std::vector<Unit> units = units_of(variants);
  const size_t count = units.size();
  std::vector<GeneratedCode> code(count);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t unit = next++; unit < count; unit = next++)
      code[unit] = compile_unit(variants, units[unit], kind);
  };
  const size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, count);
  std::vector<std::jthread> helpers;
  for (size_t i = 1; i < threads; ++i) helpers.emplace_back(work);
  work();
  helpers.clear();
  std::vector<std::string> bytes;
  for (size_t unit = 0; unit < count; ++unit) {
    bytes.push_back(std::move(code[unit].bytes));
    if (frames != nullptr && units[unit].kernel != nullptr)
      frames->push_back({units[unit].variant->symbol(*units[unit].kernel), code[unit].frame});
  }
  return bytes;
}

// Gives the private labels (".LBB0_1") of one unit's assembly names of their own. Strings stay as they are.
std::string with_labels_of(size_t unit, const std::string& assembly) {
  const std::string prefix = fmt::format(".Lu{}_", unit);
  std::string text;
  bool quoted = false;
  for (size_t i = 0; i < assembly.size(); ++i) {
    if (assembly[i] == '"') quoted = !quoted;
    if (quoted && assembly[i] == '\\') {
      text.append(assembly, i++, 2);
    } else if (!quoted && assembly.compare(i, 2, ".L") == 0) {
      text += prefix;
      ++i;
    } else {
      text += assembly[i];
    }
  }
  return text;
}

}  // namespace

std::string compile_to_llvm(const LoweredModel& model) {
  llvm::LLVMContext context;
  const Variants variants(&model, 1);
  const std::unique_ptr<llvm::TargetMachine> machine = make_target_machine(model.target);
  const std::unique_ptr<llvm::Module> whole = new_module(model.module.name, model.target, context);
  for (const Unit& unit : units_of(variants)) {
    std::unique_ptr<llvm::Module> module = emit_unit(variants, unit, context);
    optimize(*module, *machine);
    check(!llvm::Linker::linkModules(*whole, std::move(module)), "units of a model do not link");
  }
  std::string text;
  llvm::raw_string_ostream out(text);
  whole->print(out, nullptr);
  return text;
}

std::string compile_to_assembly(const LoweredModel& model, std::vector<KernelFrame>* frames) {
  const std::vector<std::string> units = compile_units(Variants(&model, 1), CodeKind::assembly, frames);
  std::string text;
  for (size_t i = 0; i < units.size(); ++i) text += with_labels_of(i, units[i]);
  return text;
}

std::string compile_to_object(Variants variants, std::vector<KernelFrame>* frames) {
  return link(compile_units(variants, CodeKind::object, frames), LinkKind::relocatable);
}

std::string compile_to_shared_library(Variants variants, std::vector<KernelFrame>* frames) {
  return link(compile_units(variants, CodeKind::object, frames), LinkKind::shared);
}

}  // namespace rnc
