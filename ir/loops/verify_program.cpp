// The rules of programs.
//
//   - Every kernel is valid (verify.cpp).
//   - A buffer has a positive size for every batch, and what it names exists: an input or output of the
//     entry, a constant, a tensor. Two buffers of an entry do not name the same output or tensor.
//   - A call names a kernel of the program and, per parameter, a buffer at least as large for every batch; of
//     inputs and outputs, the type is.
//   - Inputs and constants are not stored to.
//   - A part names an arena buffer before it, and lies inside of its images, aligned to 64 bytes. Its parameters have
//     its pitch, no others have one, and those of a whole with parts have images of that size.
//   - What a call stores to is given to it once only.
//   - A call that only reads an arena buffer, or a part of one, comes after one that stores to it, or several that store
//     to all its parts.
//   - An in-place pair is an argument that the call stores to and another that it reads.
//   - Once memory is planned (the arena has a size), arena buffers lie in the arena, aligned to 64 bytes, and
//     two that are used by the same call, or one before and one after it, do not overlap: for every batch. An
//     in-place pair may share its place where the one is first and the other last used, and the call is given no part of
//     either.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "ir/loops/buffers.h"
#include "ir/loops/program.h"
#include "ir/loops/verifiers.h"

namespace rnc::loops {
namespace {

bool in_range(int index, size_t size) { return index >= 0 && static_cast<size_t>(index) < size; }

Extent size_of(const Memory& memory) {
  Extent size{bytes(memory.scalar), 0};
  for (const Extent& dim : memory.dims) {
    size = {size.fixed * dim.fixed, size.fixed * dim.per_sample + size.per_sample * dim.fixed};
  }
  return size;
}

Extent size_of(const Type& type) {
  const int64_t bytes = storage_bytes_per_sample(type);
  return has_batch(type.shape) ? Extent{0, bytes} : Extent{bytes, 0};
}

// What may be touched of a buffer: the caller's memory is as large as its type, whatever the buffer says.
Extent size_of(const EntryProgram& entry, const Buffer& buffer) {
  const auto index = static_cast<size_t>(buffer.index);
  if (buffer.region == Region::input) return size_of(entry.inputs[index].type);
  if (buffer.region == Region::output) return size_of(entry.outputs[index].second);
  return buffer.size;
}

// Bytes of an image, by whole.
using Pitches = std::map<int, int64_t>;

void check_part(const EntryProgram& entry, int number, Pitches& pitches) {
  const Buffer& part = entry.buffers[static_cast<size_t>(number)];
  require(part.index >= 0 && part.index < number, "{} is a part of no buffer before it", part.name);
  const Buffer& whole = entry.buffers[static_cast<size_t>(part.index)];
  require(whole.region == Region::arena, "{} is a part of {}, which does not lie in the arena", part.name,
          whole.name);
  const auto [first, pitch] = part.offset;
  require(first >= 0 && part.size.fixed == 0 && first <= pitch - part.size.per_sample &&
              pitch <= whole.size.per_sample,
          "{} is not inside of {}", part.name, whole.name);
  require(first % 64 == 0 && pitch % 64 == 0, "{} is not aligned", part.name);
  const int64_t other = pitches.emplace(part.index, pitch).first->second;
  require(other == pitch, "{} has images of {} and of {} bytes", whole.name, other, pitch);
}

Pitches check_buffers(const Program& program, const EntryProgram& entry) {
  std::set<std::pair<Region, int>> named;
  Pitches pitches;
  for (int number = 0; const Buffer& buffer : entry.buffers) {
    require(buffer.size.at(1) > 0 && buffer.size.per_sample >= 0, "{} has size {}", buffer.name,
            str(buffer.size));
    if (buffer.region == Region::part) check_part(entry, number, pitches);
    ++number;
    if (buffer.region == Region::arena || buffer.region == Region::part) continue;
    require(buffer.region == Region::input      ? in_range(buffer.index, entry.inputs.size())
            : buffer.region == Region::output   ? in_range(buffer.index, entry.outputs.size())
            : buffer.region == Region::constant ? in_range(buffer.index, program.constants.size())
                                                : buffer.index >= 0,
            "{} names what does not exist", buffer.name);
    if (buffer.region == Region::constant) {
      const auto held = static_cast<int64_t>(program.constants[static_cast<size_t>(buffer.index)].size());
      require(fits(buffer.size, {held, 0}), "{} is larger than its constant", buffer.name);
    }
    const bool stored_to = buffer.region == Region::output || buffer.region == Region::tensor;
    require(!stored_to || named.emplace(buffer.region, buffer.index).second,
            "{} names what another buffer names", buffer.name);
  }
  return pitches;
}

void check_size(const EntryProgram& entry, const Pitches& pitches, int number, const Memory& parameter) {
  const Buffer& buffer = entry.buffers[static_cast<size_t>(number)];
  const Extent size = size_of(entry, buffer), needed = size_of(parameter);
  require(fits(needed, size), "{} of {} bytes is too small for {} of {}", buffer.name, str(size),
          parameter.name, str(needed));
  const bool part = buffer.region == Region::part;
  require(parameter.pitch * bytes(parameter.scalar) == (part ? buffer.offset.per_sample : 0),
          "{} of {} bytes per image is given for {} of pitch {}", buffer.name, buffer.offset.per_sample,
          parameter.name, parameter.pitch);
  require(!part || parameter.dims[0] == Extent{0, 1}, "{} is given for {}, which does not go image by image",
          buffer.name, parameter.name);
  const auto pitch = pitches.find(number);
  require(pitch == pitches.end() || needed == Extent{0, pitch->second},
          "{} has images of {} bytes, and is given for {} of {}", buffer.name,
          pitch == pitches.end() ? 0 : pitch->second, parameter.name, str(needed));
}

// `stored`: what calls before this one store to.
void check_arguments(const Kernel& kernel, const EntryProgram& entry, const Pitches& pitches,
                     const Call& call, StoredBytes& stored) {
  require(call.arguments.size() == kernel.params.size(), "{} arguments for {} parameters",
          call.arguments.size(), kernel.params.size());
  for (size_t i = 0; i < call.arguments.size(); ++i)
    require(in_range(call.arguments[i], entry.buffers.size()), "{} has no buffer", kernel.params[i]->name);
  std::vector<int> now;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const int argument = call.arguments[i];
    const Memory& parameter = *kernel.params[i];
    const Buffer& buffer = entry.buffers[static_cast<size_t>(argument)];
    check_size(entry, pitches, argument, parameter);
    const bool planned = buffer.region == Region::arena || buffer.region == Region::part;
    require(parameter.access != Access::read || !planned || stored.contains(argument),
            "{} is read before a call stores to it", buffer.name);
    if (parameter.access == Access::read) continue;
    require(buffer.region != Region::input && buffer.region != Region::constant, "{} is stored to",
            buffer.name);
    const auto shares = [&](int other) { return overlap(entry.buffers, argument, other); };
    require(std::ranges::count_if(call.arguments, shares) == 1, "{} is stored to and given twice",
            buffer.name);
    now.push_back(argument);
  }
  for (const int buffer : now) stored.add(buffer);
}

void check_in_place(const Kernel& kernel, const Call& call) {
  const auto given = [&](int buffer, Access but_for) {
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      if (call.arguments[i] == buffer && kernel.params[i]->access != but_for) return true;
    }
    return false;
  };
  for (const auto& [written, read] : call.in_place) {
    require(given(written, Access::read) && given(read, Access::write),
            "buffers {} and {} are not an in-place pair", written, read);
  }
}

void check_entry(const Program& program, const EntryProgram& entry) {
  const Pitches pitches = check_buffers(program, entry);
  StoredBytes stored(entry.buffers);
  for (const Call& call : entry.calls) {
    require(in_range(call.kernel, program.kernels.size()), "call {} has no kernel", call.label);
    const Kernel& kernel = program.kernels[static_cast<size_t>(call.kernel)];
    try {
      check_arguments(kernel, entry, pitches, call, stored);
      check_in_place(kernel, call);
    } catch (const Broken& broken) {
      throw Broken{fmt::format("call {} of kernel {}: {}", call.label, kernel.name, broken.rule),
                   call.location};
    }
  }
  check_plan(entry);
}

}  // namespace

std::optional<Diagnostic> find_violation(const Program& program, const EntryProgram& entry) {
  try {
    check_entry(program, entry);
  } catch (const Broken& broken) {
    return Diagnostic{broken.location, fmt::format("entry {}: {}", entry.name, broken.rule), {}};
  }
  return std::nullopt;
}

std::string broken_rule(const Program& program) {
  for (const Kernel& kernel : program.kernels) {
    const std::string rule = broken_rule(kernel);
    if (!rule.empty()) return fmt::format("kernel {}: {}\n{}", kernel.name, rule, print(kernel));
  }
  for (const EntryProgram& entry : program.entries) {
    if (const auto violation = find_violation(program, entry)) return violation->message;
  }
  return {};
}

void verify(const Program& program) {
  const std::string rule = broken_rule(program);
  if (!rule.empty()) unreachable(rule);
}

}  // namespace rnc::loops
