// Packing items that live at known times into one area of memory, as small as possible: dynamic storage allocation with
// all requests known. Items are placed one by one, in the lowest or the tightest gap that is free throughout their life.
// The order decides how good the result is: several orders are tried, and improved by moving items at the peak forward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "passes/schedule/plan_memory.h"

namespace rnc {

struct Item {
  size_t block = 0;  // the caller's number for it
  int64_t size = 0;
  Life life;
};

struct Placement {
  std::vector<int64_t> offsets;  // per item; those that live at the same time do not overlap
  int64_t peak = 0;              // the highest end
};

enum class Fit : uint8_t { lowest, tightest };

// A placement, and how to come to it.
struct Packing {
  std::vector<size_t> order;
  Fit fit{};
  Placement placement;
};

// One for each order and fit that is worth trying, the least peak first.
std::vector<Packing> first_packings(const std::vector<Item>& items);

// A placement that is no higher, mostly lower. Equal packings give equal ones.
Placement improved(const std::vector<Item>& items, Packing packing);

}  // namespace rnc
