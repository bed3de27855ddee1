// What lies where at which times: for placing so many items that looking at each would take too long.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "passes/schedule/plan_memory.h"

namespace rnc {

// Bytes taken during lives. Every stretch of a binary tree over the calls knows which bytes are taken at some
// time in it, and which are by lives that last through it; neighbouring bytes are one range, so that there
// are few.
class Occupied {
 public:
  explicit Occupied(int calls);
  void add(Life life, int64_t begin, int64_t end);

  // Calls visit(begin, end) for each gap between bytes taken at some time of the life, from 0 on, while it
  // returns true. Returns the end of all.
  template <class Visit>
  int64_t gaps(Life life, const Visit& visit) const {
    std::vector<const Ranges*> found;
    collect(1, 0, size_, life, found);
    int64_t end = 0;
    while (true) {
      int64_t next = INT64_MAX;
      for (bool grown = true; grown;) {
        grown = false;
        next = INT64_MAX;
        for (const Ranges* ranges : found) {
          const auto range = after(*ranges, end);
          if (range == ranges->end()) continue;
          if (range->first <= end) {
            end = range->second;
            grown = true;
          } else {
            next = std::min(next, range->first);
          }
        }
      }
      if (next == INT64_MAX || !visit(end, next)) return end;
      end = next;
    }
  }

 private:
  using Ranges = std::vector<std::pair<int64_t, int64_t>>;  // disjoint, by offset
  struct Node {
    Ranges some, through;
  };
  // The first range that ends after `offset`.
  static Ranges::const_iterator after(const Ranges& ranges, int64_t offset);
  static void add(Ranges& ranges, int64_t begin, int64_t end);
  void add(size_t node, int first, int count, Life life, int64_t begin, int64_t end);
  void collect(size_t node, int first, int count, Life life, std::vector<const Ranges*>& found) const;

  int size_ = 1;  // calls, rounded up to a power of two
  std::vector<Node> nodes_;
};

}  // namespace rnc
