#include "compiler/code.h"

#include <fmt/format.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "compiler/codegen.h"
#include "compiler/emit/kernel.h"
#include "compiler/link.h"
#include "compiler/units.h"

namespace rnc {
namespace {

// Units are taken in turn by the machine's threads; the result does not depend on how many there are.
// The frames of kernels go to `frames`, if given.
std::vector<GeneratedCode> compile_units(Variants variants, CodeKind kind, std::vector<KernelFrame>* frames) {
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
  for (size_t unit = 0; unit < count; ++unit)
    if (frames != nullptr && units[unit].kernel != nullptr)
      frames->push_back({units[unit].symbol(), code[unit].frame});
  return code;
}

std::vector<std::string> bytes_of(std::vector<GeneratedCode> code) {
  std::vector<std::string> bytes;
  for (GeneratedCode& unit : code) bytes.push_back(std::move(unit.bytes));
  return bytes;
}

// All units in one module, optimised.
std::unique_ptr<llvm::Module> emit_together(Variants variants, llvm::TargetMachine& machine,
                                            llvm::LLVMContext& context) {
  const LoweredModel& model = variants.front();
  auto whole = new_module(model.module.name, model.target, context);
  for (const Unit& unit : units_of(variants)) {
    std::unique_ptr<llvm::Module> module = emit_unit(variants, unit, context);
    optimize(*module, machine);
    check(!llvm::Linker::linkModules(*whole, std::move(module)), "units of a model do not link");
  }
  return whole;
}

bool is_elf(Variants variants) { return variants.front().target.format == ObjectFormat::elf; }

// Of formats for which there is no linker that makes one object file of several: all is generated once more, together, each
// kernel with the passes that were best for it alone.
std::string compile_together(Variants variants, CodeKind kind, std::vector<KernelFrame>* frames) {
  const std::vector<Unit> units = units_of(variants);
  const std::vector<GeneratedCode> alone = compile_units(variants, CodeKind::object, frames);
  std::map<std::string, MachinePasses> passes;
  for (size_t unit = 0; unit < units.size(); ++unit)
    if (units[unit].kernel != nullptr) passes[units[unit].symbol()] = alone[unit].passes;
  llvm::LLVMContext context;
  const std::unique_ptr<llvm::TargetMachine> machine =
      make_target_machine(variants.front().target.without_features());
  const std::unique_ptr<llvm::Module> whole = emit_together(variants, *machine, context);
  for (llvm::Function& function : *whole) {
    check(!function.isDeclaration() || function.isIntrinsic(), "a function is missing");
    if (function.isDeclaration()) continue;
    function.setVisibility(llvm::GlobalValue::DefaultVisibility);
    function.setLinkage(llvm::GlobalValue::InternalLinkage);
    if (variants.front().target.format == ObjectFormat::coff)
      function.setUWTableKind(llvm::UWTableKind::Default);
  }
  whole->getNamedGlobal(variants.front().symbol())->setVisibility(llvm::GlobalValue::DefaultVisibility);
  return generate_together(*whole, *machine, kind, passes);
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
  const std::unique_ptr<llvm::TargetMachine> machine = make_target_machine(model.target);
  const std::unique_ptr<llvm::Module> whole = emit_together(Variants(&model, 1), *machine, context);
  std::string text;
  llvm::raw_string_ostream out(text);
  whole->print(out, nullptr);
  return text;
}

std::string compile_to_assembly(const LoweredModel& model, std::vector<KernelFrame>* frames) {
  const Variants variants(&model, 1);
  if (!is_elf(variants)) return compile_together(variants, CodeKind::assembly, frames);
  const auto units = bytes_of(compile_units(variants, CodeKind::assembly, frames));
  std::string text;
  for (size_t i = 0; i < units.size(); ++i) text += with_labels_of(i, units[i]);
  return text;
}

std::string compile_to_object(Variants variants, std::vector<KernelFrame>* frames) {
  if (!is_elf(variants)) return compile_together(variants, CodeKind::object, frames);
  return link(bytes_of(compile_units(variants, CodeKind::object, frames)), LinkKind::relocatable);
}

std::string compile_to_shared_library(Variants variants, std::vector<KernelFrame>* frames) {
  return link(bytes_of(compile_units(variants, CodeKind::object, frames)), LinkKind::shared);
}

}  // namespace rnc
