// Entries in the loop interpreter: their buffers, and their calls one after the other.
#include <fmt/format.h>

#include <array>

#include "ir/loops/interpreter.h"
#include "runtime/contract/bfloat16.h"

namespace rnc::loops {
namespace {

// Memory comes in cache lines, so that it is aligned as a model's is, at least one; it starts out as NaN.
struct alignas(64) Line {
  std::array<uint8_t, 64> bytes;
};
using Lines = std::vector<Line>;

Lines undefined(int64_t size) {
  Line line{};
  line.bytes.fill(0xff);
  return Lines(static_cast<size_t>((size + 64) / 64), line);
}

float real_element(DType dtype, const void* data, int64_t place) {
  if (dtype == DType::bf16) return contract::from_bf16(static_cast<const uint16_t*>(data)[place]);
  return static_cast<const float*>(data)[place];
}

// Fails where a call has left something in the padding of a buffer that it stored to.
void check_padding(const Program& program, const EntryProgram& entry, const Call& call, int64_t batch,
                   const std::vector<void*>& arguments) {
  const Kernel& kernel = program.kernels[static_cast<size_t>(call.kernel)];
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Buffer& buffer = entry.buffers[static_cast<size_t>(call.arguments[i])];
    if (kernel.params[i]->access == Access::read || !is_real(buffer.type.dtype)) continue;
    // The caller's memory has no padding, and the blocks of a part are whole.
    if (buffer.region == Region::output || buffer.region == Region::part) continue;
    const int64_t lanes = kernel.code_vector_bytes / bytes(contract::compute_type(buffer.type.dtype));
    for (const int64_t place : padding_elements(buffer.type, batch, lanes)) {
      const float value = real_element(buffer.type.dtype, arguments[i], place);
      if (value == 0) continue;
      throw Fault(fmt::format("kernel {}, batch {}: {} in the padding of {}, {}, at element {}", kernel.name,
                              batch, value, buffer.name, str(buffer.type), place));
    }
  }
}

}  // namespace

void run_entry(const Program& program, const EntryProgram& entry, int64_t batch, const EntryMemory& memory,
               const RunOptions& options) {
  std::vector<Lines> blocks;
  if (options.planned) blocks.push_back(undefined(entry.arena_bytes(batch)));
  std::vector<void*> places;
  for (const Buffer& buffer : entry.buffers) {
    const auto index = static_cast<size_t>(buffer.index);
    switch (buffer.region) {
      case Region::input:
        // verify(program) has made sure that nothing is stored here, nor to constants.
        places.push_back(const_cast<void*>(memory.inputs[index]));
        break;
      case Region::output:
        places.push_back(memory.outputs[index]);
        break;
      case Region::tensor:
        places.push_back(memory.tensors[index]);
        break;
      case Region::constant:
        places.push_back(const_cast<uint8_t*>(program.constants[index].data()));
        break;
      case Region::arena:
        if (!options.planned) blocks.push_back(undefined(buffer.size.at(batch)));
        places.push_back(blocks.back().data()->bytes.data() +
                         (options.planned ? buffer.offset.at(batch) : 0));
        break;
      case Region::part:
        places.push_back(static_cast<std::byte*>(places[index]) + buffer.offset.fixed);
        break;
    }
    check(places.back() != nullptr, "a buffer without memory: " + buffer.name);
  }
  for (const Call& call : entry.calls) {
    std::vector<void*> arguments;
    for (const int buffer : call.arguments) arguments.push_back(places[static_cast<size_t>(buffer)]);
    try {
      run(program.kernels[static_cast<size_t>(call.kernel)], batch, arguments, options);
      check_padding(program, entry, call, batch, arguments);
    } catch (const Fault& fault) {
      throw Fault(fmt::format("entry {}, {}: {}", entry.name, call.label, fault.what()));
    }
  }
}

}  // namespace rnc::loops
