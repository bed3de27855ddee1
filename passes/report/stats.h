// What a pass did, in counts: found by comparing the model before and after, so that passes need not report it.
#pragma once

#include <array>
#include <map>
#include <string>

#include "passes/pipeline.h"

namespace rnc {

// What there is of each kind, by name.
using KindCounts = std::map<std::string, int64_t>;

// What a compilation holds.
struct Counts {
  struct Calls {
    size_t calls = 0;
    std::array<loops::Extent, 2> arena{};
    loops::Extent live_bound;
  };
  std::map<std::string, KindCounts> entries;  // their nodes
  KindCounts tensors;
  size_t kernels = 0;
  std::vector<std::pair<std::string, Calls>> programs;  // of entries, in their order
};
Counts count(const Compilation& compilation);

// One line per entry, and for tensors and kernels, that changed:
//   "  infer: batch_norm -20, add +40\n". Empty if the counts are the same.
std::string describe_changes(const Counts& before, const Counts& after);

}  // namespace rnc
