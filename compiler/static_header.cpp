#include "compiler/static_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "compiler/emit/entry.h"
#include "runtime/contract/abi.h"

namespace rnc {
namespace {

int64_t bytes_of(const loops::Extent& extent, int64_t samples) {
  return extent.fixed + extent.per_sample * samples;
}

std::string formula(const loops::Extent& extent, int64_t more) {
  return fmt::format("({} + {} * (n))", extent.fixed + more, extent.per_sample);
}

// In bytes, of n samples; a constant expression.
std::string memory_formula(const StaticMemory& memory) {
  const std::string first = formula(memory.arena[0], memory.scratch);
  if (memory.arena[1].fixed <= memory.arena[0].fixed &&
      memory.arena[1].per_sample <= memory.arena[0].per_sample)
    return first;
  const std::string second = formula(memory.arena[1], memory.scratch);
  return fmt::format("({} > {} ? {} : {})", first, second, first, second);
}

// Inputs, then outputs.
std::vector<Argument> arguments_of(const loops::EntryProgram& entry) {
  std::vector<Argument> all;
  for (const Node& input : entry.inputs)
    if (must_be_given(input)) all.push_back({input.name, {}, input.type});
  for (const auto& [name, type] : entry.outputs) all.push_back({name, {}, type});
  return with_identifiers(std::move(all));
}

}  // namespace

const loops::EntryProgram& static_entry(const loops::Program& program) {
  const auto entry = std::ranges::find(program.entries, EntryRole::inference, &loops::EntryProgram::role);
  check(entry != program.entries.end(), "a static model that predicts nothing");
  return *entry;
}

std::string static_prefix(const Module& module, const std::string& link_name) {
  return identifier(link_name.empty() ? module.name : link_name);
}

std::string static_symbol(const std::string& prefix) { return prefix + "_infer"; }

int64_t StaticMemory::of(int64_t samples) const {
  return std::max(bytes_of(arena[0], samples), bytes_of(arena[1], samples)) + scratch;
}

StaticMemory static_memory(const loops::Program& program) {
  const loops::EntryProgram& entry = static_entry(program);
  StaticMemory memory{{entry.arena[0], entry.arena[1]}, scratch_bytes_per_worker(program), 0};
  for (const std::vector<uint8_t>& bytes : program.constants)
    memory.constants += static_cast<int64_t>(bytes.size());
  return memory;
}

std::string static_header(const Module& module, const loops::Program& program, const std::string& prefix) {
  const loops::EntryProgram& entry = static_entry(program);
  const StaticMemory memory = static_memory(program);
  const std::string upper_prefix = upper(prefix);
  const std::vector<Argument> arguments = arguments_of(entry);
  const size_t given = arguments.size() - entry.outputs.size();
  std::vector<std::string> parameters;
  for (size_t i = 0; i < arguments.size(); ++i) parameters.push_back(declaration(arguments[i], i >= given));
  parameters.emplace_back("int64_t n");
  parameters.emplace_back("void* memory");
  return fmt::format(
      "/* The model {0} with its weights, for programs that link its object file (rnc --emit=static). Made "
      "by rnc.\n"
      " *\n"
      " * {1}_infer computes predictions for n >= 1 samples in one thread. It needs no library, allocates\n"
      " * nothing and keeps nothing: {2}_MEMORY_BYTES(n) bytes of memory, whatever is in them, and {3} of\n"
      " * constants are all it uses besides its arguments. Arrays are row-major. Arrays and memory are at "
      "multiples of\n"
      " * {2}_ALIGNMENT; it may read, not use, what is behind an array up to the next one. */\n"
      "#ifndef RNC_STATIC_{2}_H\n#define RNC_STATIC_{2}_H\n\n#include <stdint.h>\n\n"
      "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n"
      "#define {2}_ALIGNMENT {4}\n#define {2}_MEMORY_BYTES(n) {5}\n{6}{7}\n"
      "void {1}_infer({8});\n\n#ifdef __cplusplus\n}}\n#endif\n#endif\n",
      module.name, prefix, upper_prefix, memory.constants, RN_ALIGNMENT, memory_formula(memory),
      size_macros(upper_prefix, arguments), class_names(prefix, module.classes),
      fmt::join(parameters, ",\n    "));
}

std::string static_note(const loops::Program& program, const std::string& prefix, int64_t frame) {
  const StaticMemory memory = static_memory(program);
  return fmt::format(
      "{} needs {} bytes of memory for one sample ({} of them scratch), a stack for kernels of {} bytes, and "
      "has {} "
      "bytes of constants",
      static_symbol(prefix), memory.of(1), memory.scratch, frame, memory.constants);
}

}  // namespace rnc
