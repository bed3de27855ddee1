// The text of a program: for each entry its arguments, results, buffers and calls, then the kernels and
// constants. ir/loops/text reads it back.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "ir/loops/program.h"
#include "ir/text/lexer.h"

namespace rnc::loops {
namespace {

using text::quote_name;
using text::quote_string;

std::string region(const Program& program, const EntryProgram& entry, const Buffer& buffer,
                   const std::vector<std::string>& buffers) {
  const auto index = static_cast<size_t>(buffer.index);
  switch (buffer.region) {
    case Region::input:
      return "input " + quote_name(entry.inputs.at(index).name);
    case Region::output:
      return "output " + quote_name(entry.outputs.at(index).first);
    case Region::tensor:
      return fmt::format("tensor {}", buffer.index);
    case Region::constant:
      return fmt::format("constant {} of {} bytes", buffer.index, program.constants.at(index).size());
    case Region::arena:
      return "arena at " + str(buffer.offset);
    case Region::part:
      return fmt::format("part of {} at {}", buffers.at(index), str(buffer.offset));
  }
  unreachable("region");
}

// In backquotes where a fact of a call begins with that word.
std::string buffer_name(const std::string& name) {
  constexpr std::array<std::string_view, 7> words = {"forward", "input_grad", "weight_grad", "update", "by",
                                                     "from",    "N"};
  return std::ranges::count(words, name) > 0 ? fmt::format("`{}`", name) : quote_name(name);
}

// Buffers by name; of several with one name, all but the first with their number: "sums", "sums@2".
std::vector<std::string> buffer_names(const EntryProgram& entry) {
  std::vector<std::string> names;
  std::map<std::string, int> count;
  for (const Buffer& buffer : entry.buffers) {
    const int number = ++count[buffer.name];
    names.push_back(buffer_name(buffer.name) + (number > 1 ? fmt::format("@{}", number) : ""));
  }
  return names;
}

std::string text_of(const Work& work) {
  std::string text;
  if (!work.direction.empty()) text += ", " + work.direction;
  if (!work.algorithm.empty()) text += ", by " + quote_string(work.algorithm);
  if (work.from_batch != 1) text += fmt::format(", from batch {}", work.from_batch);
  const auto add = [&](const Extent& extent, std::string_view what) {
    if (extent != Extent{}) text += fmt::format(", {} {}", str(extent), what);
  };
  add(work.flops, "flops");
  if (work.operations != work.flops) text += fmt::format(", {} operations", str(work.operations));
  add(work.bytes, "bytes");
  add(work.direct_bytes, "direct_bytes");
  return text;
}

std::string text_of(const Program& program, const std::vector<std::string>& buffers, const Call& call) {
  const auto buffer = [&](int index) { return buffers.at(static_cast<size_t>(index)); };
  std::string arguments;
  for (const int argument : call.arguments) arguments += (arguments.empty() ? "" : ", ") + buffer(argument);
  std::string line =
      fmt::format("  {}({}) for {}{}", quote_name(program.kernels.at(static_cast<size_t>(call.kernel)).name),
                  arguments, quote_string(call.label), text_of(call.work));
  for (const auto& [written, read] : call.in_place)
    line += fmt::format(", {} over {}", buffer(written), buffer(read));
  return line + origin_text(call.location) + "\n";
}

std::string text_of(const EntryProgram& entry, const Node& input) {
  std::string line = fmt::format("  input {} : {}", quote_name(input.name), str(input.type));
  if (const InputRole role = input_role(input); role != InputRole::sample)
    line += fmt::format(" as {}", name(role));
  const auto classes = entry.classes.find(input.name);
  if (classes != entry.classes.end()) line += fmt::format(" of {} classes", classes->second);
  const auto ignored = entry.ignored_labels.find(input.name);
  if (ignored != entry.ignored_labels.end()) line += fmt::format(" but {}", ignored->second);
  const auto& attributes = input.attributes.all();
  const auto initial = attributes.find("default");
  const auto* number = initial == attributes.end() ? nullptr : std::get_if<double>(&initial->second);
  if (number != nullptr && *number == *number) line += fmt::format(" = {}", *number);
  return line + "\n";
}

std::string output_text(const EntryProgram& entry, size_t index) {
  const auto& [name, type] = entry.outputs[index];
  const OutputRole role = entry.role_of(static_cast<int>(index));
  const std::string as = role == usual_output_role(name) ? "" : fmt::format(" as {}", rnc::name(role));
  return fmt::format("  output {} : {}{}\n", quote_name(name), str(type), as);
}

// 64 bytes to a line.
std::string text_of(size_t index, const std::vector<uint8_t>& bytes) {
  std::string text = fmt::format("constant {} of {} bytes", index, bytes.size());
  if (bytes.size() > kMostConstantBytes) return text + "  # left out\n";
  text += " [";
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i % 64 == 0) text += i == 0 ? "\n  \"" : "\"\n  \"";
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text + (bytes.empty() ? "]\n" : "\"]\n");
}

}  // namespace

std::string arena_text(const std::array<Extent, 2>& arena) {
  const auto& [many, few] = arena;
  return few == Extent{} ? str(many) : fmt::format("max({}, {})", str(many), str(few));
}

std::string print(const Program& program, const EntryProgram& entry) {
  const bool usual = entry.role == role_named(entry.name);
  std::string out = fmt::format("entry {}{}{} {{\n", quote_name(entry.name), usual ? "" : " : ",
                                usual ? "" : name(entry.role));
  for (const Node& input : entry.inputs) out += text_of(entry, input);
  for (size_t i = 0; i < entry.outputs.size(); ++i) out += output_text(entry, i);
  if (entry.min_batch > 1)
    out += fmt::format("  batch at least {} for {}\n", entry.min_batch, quote_string(entry.min_batch_layer));
  const std::vector<std::string> buffers = buffer_names(entry);
  for (size_t i = 0; i < entry.buffers.size(); ++i) {
    const Buffer& buffer = entry.buffers[i];
    const std::string type = buffer.type == Type{} ? "" : " : " + str(buffer.type);
    out += fmt::format("  buffer {} : {} bytes, {}{}\n", buffers[i], str(buffer.size),
                       region(program, entry, buffer, buffers), type);
  }
  out += fmt::format("  arena {} bytes\n", arena_text(entry.arena));
  if (entry.live_bound != Extent{}) out += fmt::format("  live {} bytes\n", str(entry.live_bound));
  if (entry.direct_flops != Extent{}) out += fmt::format("  direct {} flops\n", str(entry.direct_flops));
  for (const Call& call : entry.calls) out += text_of(program, buffers, call);
  return out + "}\n";
}

std::string print(const Program& program) {
  std::string out;
  for (const EntryProgram& entry : program.entries) out += print(program, entry) + "\n";
  for (const Kernel& kernel : program.kernels) out += print(kernel) + "\n";
  for (size_t i = 0; i < program.constants.size(); ++i) out += text_of(i, program.constants[i]);
  return out;
}

}  // namespace rnc::loops
