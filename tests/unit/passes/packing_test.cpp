#include "passes/schedule/packing.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/random.h"

using namespace rnc;
using rnc::test::Random;

namespace {

// Looks at each item placed before: what `first_packings` does for few items.
Placement naive(const std::vector<Item>& items, const std::vector<size_t>& order, Fit fit) {
  Placement placement{.offsets = std::vector<int64_t>(items.size())};
  std::vector<size_t> placed;
  for (const size_t i : order) {
    std::vector<std::pair<int64_t, int64_t>> taken;
    for (const size_t p : placed) {
      if (!items[p].life.overlaps(items[i].life)) continue;
      taken.emplace_back(placement.offsets[p], placement.offsets[p] + items[p].size);
    }
    std::ranges::sort(taken);
    int64_t end = 0, best = -1, best_gap = 0;
    for (const auto& [begin, after] : taken) {
      const int64_t gap = begin - end;
      if (gap >= items[i].size && (best < 0 || (fit == Fit::tightest && gap < best_gap))) {
        best = end;
        best_gap = gap;
      }
      end = std::max(end, after);
    }
    placement.offsets[i] = best >= 0 ? best : end;
    placement.peak = std::max(placement.peak, placement.offsets[i] + items[i].size);
    placed.push_back(i);
  }
  return placement;
}

std::vector<Item> items_of(int count, Random& random) {
  std::vector<Item> items;
  for (int i = 0; i < count; ++i) {
    const int first = static_cast<int>(random.integer(0, count));
    const int length = static_cast<int>(random.chance(0.2) ? random.integer(0, count) : random.integer(0, 8));
    items.push_back({static_cast<size_t>(i), 64 * random.integer(1, 40), {first, first + length}});
  }
  return items;
}

}  // namespace

TEST_CASE("items are placed in the same way, whether they are few or many") {
  for (const int count : {1, 60, 2048, 2049, 2500}) {
    CAPTURE(count);
    Random random(static_cast<uint64_t>(count));
    const std::vector<Item> items = items_of(count, random);
    for (const Packing& packing : first_packings(items)) {
      const Placement expected = naive(items, packing.order, packing.fit);
      CHECK(packing.placement.offsets == expected.offsets);
      CHECK(packing.placement.peak == expected.peak);
    }
  }
}
