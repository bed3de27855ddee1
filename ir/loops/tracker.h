// Which tasks of a kernel touched the elements of a parameter: finds tasks that depend on each other's order,
// and elements read before they are stored.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/loops/loops.h"

namespace rnc::loops {

// All functions but the constructor throw Fault (ir/loops/interpreter.h). `memory` must outlive the tracker.
class Tracker {
 public:
  // `elements`: from the first to the last, those of other parts between them included.
  Tracker(const Memory& memory, int64_t elements);
  void read(int64_t element, int64_t task);
  void store(int64_t element, int64_t task);
  // All tasks have run: a parameter with access `write` has every element stored.
  void finish() const;

 private:
  struct Tasks {
    int64_t writer, reader;  // the one task that did so, or see tracker.cpp
  };
  const Memory& memory_;
  std::vector<Tasks> tasks_;
};

}  // namespace rnc::loops
