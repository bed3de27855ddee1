// What lowering makes of a module: kernels, and for each entry the sequence of kernel calls on planned
// memory. It holds all that code generation and the model's descriptor (runtime/contract/abi.h) need.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph/graph.h"
#include "ir/loops/loops.h"

namespace rnc::loops {

enum class Region : uint8_t {
  input,     // argument `index` of the entry, given by the caller
  output,    // result `index` of the entry, in the caller's memory
  tensor,    // module tensor `index` (parameters, buffers, slots, gradients, prepared)
  constant,  // bytes in the model's read-only data, Program::constants[index]
  arena,     // planned temporary memory
  part,      // a part of each image of buffer `index`, which lies in the arena
};

// An array that calls read and write. In the arena its place is (offset + offset_per_sample * N) bytes; of a part, that
// of image i lies (offset + offset_per_sample * i) bytes after the beginning of the whole.
struct Buffer {
  std::string name;  // of the graph value, or of a temporary of a kernel
  Region region = Region::arena;
  int index = -1;
  Extent size;    // bytes
  Extent offset;  // of what lies in the arena, set by plan_memory; of a part
  // Of the graph value; a scalar for temporaries of kernels. Its padding is zero once a call has stored to
  // it.
  Type type = {};
};

// How a call is counted in profiles.
struct Work {
  Extent flops = {};  // useful floating-point operations; convolutions and matrix products counted as direct
  Extent bytes = {};  // read and written once each
  std::string algorithm = {};  // "direct", "winograd 4x4", ...; empty where there is no choice
  std::string direction = {};  // "forward", "input_grad", "weight_grad", "update", ""
  Extent operations = {};      // of the algorithm's own products; left zero: `flops`
  // The batch from which the algorithm is used: smaller ones are summed directly, and read and write
  // `direct_bytes`.
  int64_t from_batch = 1;
  Extent direct_bytes = {};
};

struct Call {
  int kernel = -1;    // index into Program::kernels
  std::string label;  // the layer: "layer1.0.conv1"
  SourceLocation location;
  std::vector<int> arguments;  // buffer per kernel parameter
  // Pairs (written buffer, read buffer) that may share memory: element i of the first is written only after
  // the last read of element i of the second.
  std::vector<std::pair<int, int>> in_place;
  Work work;
};

struct EntryProgram {
  std::string name;
  EntryRole role = EntryRole::other;
  std::vector<Node> inputs;  // Op::input nodes: name and type
  // Inputs that are read as labels: each must be a class, 0 to before this number.
  std::map<std::string, int64_t> classes;
  std::map<std::string, int64_t> ignored_labels;  // of these, one that counts nothing
  // The smallest batch there may be, and the layer that needs it.
  int64_t min_batch = 1;
  std::string min_batch_layer;
  std::vector<std::pair<std::string, Type>> outputs;
  std::map<int, OutputRole> roles;  // of the outputs that are not predictions
  OutputRole role_of(int output) const {
    const auto found = roles.find(output);
    return found == roles.end() ? OutputRole::prediction : found->second;
  }
  // The output that is the loss; -1: none.
  int loss() const {
    const auto found =
        std::ranges::find(roles, OutputRole::loss, [](const auto& role) { return role.second; });
    return found == roles.end() ? -1 : found->first;
  }
  std::vector<Buffer> buffers;
  std::vector<Call> calls;
  // Bytes needed: the larger of both, the first for many samples; set by plan_memory.
  std::array<Extent, 2> arena{};
  int64_t arena_bytes(int64_t batch) const { return std::max(arena[0].at(batch), arena[1].at(batch)); }
  Extent live_bound;  // at the batch used for planning: largest sum of live bytes (lower bound of the peak)
  Extent
      direct_flops;  // of all convolutions and matrix products, counted as direct: the yardstick's numerator
};

// Of larger constants, as embedded weights are, the text has the size only.
inline constexpr size_t kMostConstantBytes = size_t{1} << 16;

struct Program {
  std::vector<Kernel> kernels;
  std::vector<EntryProgram> entries;
  std::vector<std::vector<uint8_t>> constants;
};

// The text of an entry, and of all entries and kernels, for dumps and --emit=loops.
std::string print(const Program&, const EntryProgram&);
std::string print(const Program&);
std::string arena_text(const std::array<Extent, 2>& arena);  // "4032 * N", "max(128 * N, 4096 + 64 * N)"

// Checks the kernels, and that calls and buffers fit them: a rule broken is a failed check. The rules stand
// at the head of verify_program.cpp.
void verify(const Program&);
// The first rule that an entry breaks, at the call's place if that breaks it; none if the entry is valid. The
// kernels are.
std::optional<Diagnostic> find_violation(const Program&, const EntryProgram&);
// The first rule broken, in words; empty if the program is valid.
std::string broken_rule(const Program&);

// The type in the fewest bytes that real values between calls are stored as.
DType precision(const Program& program);

}  // namespace rnc::loops
