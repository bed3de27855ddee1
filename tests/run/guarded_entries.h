// Entries of a compiled model in which every array can be guarded: a plan that packs arrays together hides
// accesses past the end of one, which meet the next.
#pragma once

#include <string>

#include "ir/graph/graph.h"
#include "ir/loops/program.h"
#include "tests/run/guarded_memory.h"

namespace rnc::test {

// Of the copies of entries and tensors that meet an untouchable page there: "end.train_step",
// "start.conv1.weight".
std::string prefix_of(Flush flush);
// Of what lies between tensors.
inline constexpr const char* kGapPrefix = "gap.";

// Adds to a lowered program, for both flushes, copies of its entries, which work on copies of its tensors
// and, at this batch only, in an arena where no two arrays share a place. At least one page that is no
// array's lies before and behind each array, and touches it there. The kernels are the same, so that results
// have the same bits.
void add_guarded_entries(Module& module, loops::Program& program, int64_t batch);

}  // namespace rnc::test
