// The static plan of temporary memory: a place in the arena for every temporary buffer of an entry.
#pragma once

#include <string>
#include <vector>

#include "ir/loops/program.h"

namespace rnc {

// The batch whose peak decides between plans. Every plan is valid for every batch.
inline constexpr int64_t kPlanningBatch = 64;

// Sets the offset of every arena buffer (a multiple of 64 for every batch), the entry's arena size and its
// live_bound. Two buffers that are live in the same call never overlap, whatever the batch, but for in-place
// pairs of that call of equal size, of which the one is first and the other last used there: they share one
// place. Whether the plan is another than before.
bool plan_memory(loops::EntryProgram& entry);

// Indices of the first and the last call that mention a buffer or a part of it; -1 if none does.
struct Life {
  int first = -1;
  int last = -1;
  bool overlaps(const Life& other) const { return first <= other.last && other.first <= last; }
};
std::vector<Life> lives(const loops::EntryProgram& entry);  // per buffer

// The text of --emit=memory: peak and lower bound, then each buffer's size, first and last call, and place; of a part,
// the name of the whole and where it begins in each image.
std::string memory_report(const loops::EntryProgram& entry);

}  // namespace rnc
