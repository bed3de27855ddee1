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

using Unaliased = std::vector<std::vector<bool>>;  // see unaliased_params

// The model is compiled in units: kernel i is unit i, entries and descriptor are the last one.
std::unique_ptr<llvm::Module> emit_unit(const LoweredModel& model, size_t unit, const Unaliased& unaliased,
                                        llvm::LLVMContext& context) {
  const loops::Program& program = model.program;
  if (unit == program.kernels.size()) return emit_model(model, context);
  return emit_kernel(program.kernels[unit], unaliased[unit], model.target, context, model.debug);
}

GeneratedCode compile_unit(const LoweredModel& model, size_t unit, const Unaliased& unaliased,
                           CodeKind kind) {
  llvm::LLVMContext context;
  const std::unique_ptr<llvm::TargetMachine> machine = make_target_machine(model.target);
  const std::unique_ptr<llvm::Module> module = emit_unit(model, unit, unaliased, context);
  optimize(*module, *machine);
  return generate(*module, *machine, kind);
}

// Units are taken in turn by the machine's threads; the result does not depend on how many there are.
// The frames of kernels go to `frames`, if given.
std::vector<std::string> compile_units(const LoweredModel& model, CodeKind kind,
                                       std::vector<KernelFrame>* frames) {
  const size_t count = model.program.kernels.size() + 1;
  std::vector<GeneratedCode> code(count);
  const Unaliased unaliased = unaliased_params(model.program);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t unit = next++; unit < count; unit = next++)
      code[unit] = compile_unit(model, unit, unaliased, kind);
  };
  const size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, count);
  std::vector<std::jthread> helpers;
  for (size_t i = 1; i < threads; ++i) helpers.emplace_back(work);
  work();
  helpers.clear();
  std::vector<std::string> bytes;
  for (size_t unit = 0; unit < count; ++unit) {
    bytes.push_back(std::move(code[unit].bytes));
    if (frames != nullptr && unit + 1 < count)
      frames->push_back({model.program.kernels[unit].name, code[unit].frame});
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
  const std::unique_ptr<llvm::TargetMachine> machine = make_target_machine(model.target);
  const std::unique_ptr<llvm::Module> whole = new_module(model.module.name, model.target, context);
  const Unaliased unaliased = unaliased_params(model.program);
  for (size_t unit = 0; unit <= model.program.kernels.size(); ++unit) {
    std::unique_ptr<llvm::Module> module = emit_unit(model, unit, unaliased, context);
    optimize(*module, *machine);
    check(!llvm::Linker::linkModules(*whole, std::move(module)), "units of a model do not link");
  }
  std::string text;
  llvm::raw_string_ostream out(text);
  whole->print(out, nullptr);
  return text;
}

std::string compile_to_assembly(const LoweredModel& model, std::vector<KernelFrame>* frames) {
  const std::vector<std::string> units = compile_units(model, CodeKind::assembly, frames);
  std::string text;
  for (size_t i = 0; i < units.size(); ++i) text += with_labels_of(i, units[i]);
  return text;
}

std::string compile_to_object(const LoweredModel& model, std::vector<KernelFrame>* frames) {
  return link(compile_units(model, CodeKind::object, frames), LinkKind::relocatable);
}

std::string compile_to_shared_library(const LoweredModel& model, std::vector<KernelFrame>* frames) {
  return link(compile_units(model, CodeKind::object, frames), LinkKind::shared);
}

}  // namespace rnc
