// The text of a program: for each entry its arguments, results, buffers and calls, then the kernels.
#include <fmt/format.h>

#include "ir/loops/program.h"

namespace rnc::loops {
namespace {

std::string region(const Program& program, const EntryProgram& entry, const Buffer& buffer) {
  const auto index = static_cast<size_t>(buffer.index);
  switch (buffer.region) {
    case Region::input:
      return "input " + entry.inputs.at(index).name;
    case Region::output:
      return "output " + entry.outputs.at(index).first;
    case Region::tensor:
      return fmt::format("tensor {}", buffer.index);
    case Region::constant:
      return fmt::format("constant {} of {} bytes", buffer.index, program.constants.at(index).size());
    case Region::arena:
      return "arena at " + str(buffer.offset);
  }
  unreachable("region");
}

std::string text(const Program& program, const EntryProgram& entry, const Call& call) {
  std::string arguments;
  for (const int argument : call.arguments) {
    arguments += (arguments.empty() ? "" : ", ") + entry.buffers.at(static_cast<size_t>(argument)).name;
  }
  std::string line =
      fmt::format("  {}({})", program.kernels.at(static_cast<size_t>(call.kernel)).name, arguments);
  line += fmt::format("  # {}", call.label);
  for (const std::string& what : {call.work.direction, call.work.algorithm}) {
    if (!what.empty()) line += ", " + what;
  }
  if (call.work.from_batch > 1) line += fmt::format(" from batch {}, direct below", call.work.from_batch);
  return line + "\n";
}

}  // namespace

std::string arena_text(const std::array<Extent, 2>& arena) {
  const auto& [many, few] = arena;
  return few == Extent{} ? str(many) : fmt::format("max({}, {})", str(many), str(few));
}

std::string print(const Program& program, const EntryProgram& entry) {
  std::string out = fmt::format("entry {} {{\n", entry.name);
  for (const Node& input : entry.inputs) out += fmt::format("  input {} : {}\n", input.name, str(input.type));
  for (const auto& [name, type] : entry.outputs) out += fmt::format("  output {} : {}\n", name, str(type));
  for (const Buffer& buffer : entry.buffers) {
    out += fmt::format("  buffer {} : {} bytes, {}\n", buffer.name, str(buffer.size),
                       region(program, entry, buffer));
  }
  out += fmt::format("  arena {} bytes\n", arena_text(entry.arena));
  for (const Call& call : entry.calls) out += text(program, entry, call);
  return out + "}\n";
}

std::string print(const Program& program) {
  std::string out;
  for (const EntryProgram& entry : program.entries) out += print(program, entry) + "\n";
  for (const Kernel& kernel : program.kernels) out += print(kernel) + "\n";
  return out;
}

}  // namespace rnc::loops
