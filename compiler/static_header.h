// A model without any host (--emit=static): inference as a function of C that needs no library and allocates nothing, and
// its header (--emit=c-header), which has the sizes of all memory as constants.
#pragma once

#include <string>

#include "compiler/c_names.h"
#include "ir/loops/program.h"

namespace rnc {

// The entry that predicts.
const loops::EntryProgram& static_entry(const loops::Program& program);
// What all names begin with: the name for linking, or the module's.
std::string static_prefix(const Module& module, const std::string& link_name);
// The function's: PREFIX_infer.
std::string static_symbol(const std::string& prefix);

// What the function needs, in bytes.
struct StaticMemory {
  loops::Extent arena[2];  // the larger of them
  int64_t scratch = 0;
  int64_t constants = 0;
  int64_t of(int64_t samples) const;
};
StaticMemory static_memory(const loops::Program& program);

// C11 and C++. `program` holds inference with its weights.
std::string static_header(const Module& module, const loops::Program& program, const std::string& prefix);
// "net_infer needs 131072 bytes of memory for one sample, ...": also of the stack, `frame` being the largest of a kernel.
std::string static_note(const loops::Program& program, const std::string& prefix, int64_t frame);

}  // namespace rnc
