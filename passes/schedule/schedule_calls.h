// The order of an entry's calls.
#pragma once

#include "ir/loops/program.h"

namespace rnc {

// Moves every call that is the last use of arena memory, and needs no new one, to the earliest place where it
// computes the same: the update of a parameter, say, to where its gradient is made and its old value is no
// longer read. Results do not change, and at no call more bytes are live. Run before plan_memory. Whether any
// was moved.
bool schedule_calls(const loops::Program& program, loops::EntryProgram& entry);

}  // namespace rnc
