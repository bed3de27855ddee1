#include "passes/packing.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <utility>

namespace rnc {
namespace {

// Places the items in the given order, each in a gap between those placed before it. Gives up, with a larger
// peak, where it is going to be above `most`.
Placement place(const std::vector<Item>& items, const std::vector<size_t>& order, Fit fit,
                int64_t most = INT64_MAX) {
  Placement placement{.offsets = std::vector<int64_t>(items.size())};
  std::vector<size_t> placed;  // by offset
  for (const size_t i : order) {
    const Item& item = items[i];
    int64_t end = 0;  // of what lies below the gap
    int64_t best = -1, best_gap = 0;
    for (const size_t p : placed) {
      if (!items[p].life.overlaps(item.life)) continue;
      const int64_t gap = placement.offsets[p] - end;
      if (gap >= item.size && (best < 0 || (fit == Fit::tightest && gap < best_gap))) {
        best = end;
        best_gap = gap;
      }
      end = std::max(end, placement.offsets[p] + items[p].size);
    }
    const int64_t offset = best >= 0 ? best : end;
    placement.offsets[i] = offset;
    placement.peak = std::max(placement.peak, offset + item.size);
    if (placement.peak > most) return placement;
    const auto above = [&](size_t p) { return placement.offsets[p] <= offset; };
    placed.insert(std::ranges::partition_point(placed, above), i);
  }
  return placement;
}

int64_t most_live(const std::vector<Item>& items) {
  int64_t most = 0;
  for (const Item& start : items) {
    int64_t live = 0;
    for (const Item& item : items) {
      if (item.life.overlaps({start.life.first, start.life.first})) live += item.size;
    }
    most = std::max(most, live);
  }
  return most;
}

// Orders worth trying: the largest first, the longest-lived, their product, and as the program runs.
std::vector<std::vector<size_t>> orders(const std::vector<Item>& items) {
  const auto length = [](const Item& i) { return static_cast<int64_t>(i.life.last - i.life.first + 1); };
  const auto sorted = [&](auto rank) {
    std::vector<size_t> order(items.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::greater<>(), [&](size_t i) { return rank(items[i]); });
    return order;
  };
  return {sorted([&](const Item& i) { return std::pair(i.size, length(i)); }),
          sorted([&](const Item& i) { return std::pair(length(i), i.size); }),
          sorted([&](const Item& i) { return static_cast<double>(i.size) * static_cast<double>(length(i)); }),
          sorted([&](const Item& i) { return std::pair(-i.life.first, i.size); }),
          sorted([&](const Item& i) { return std::pair(i.life.last, i.size); })};
}

// Improves a plan: moves an item at the peak to an earlier place in the order, and keeps what is no worse.
void improve(const std::vector<Item>& items, std::vector<size_t> order, Fit fit, int64_t bound,
             Placement& best) {
  constexpr int kTries = 400;
  std::mt19937 random(1);  // fixed: equal programs get equal plans
  for (int t = 0; t < kTries && best.peak > bound; ++t) {
    const auto at_peak = [&](size_t i) { return best.offsets[i] + items[i].size == best.peak; };
    const auto peak = static_cast<size_t>(std::ranges::find_if(order, at_peak) - order.begin());
    std::vector<size_t> changed = order;
    const auto from = changed.begin() + static_cast<std::ptrdiff_t>(peak);
    const auto to = changed.begin() + static_cast<std::ptrdiff_t>(random() % (peak + 1));
    std::rotate(to, from, from + 1);
    Placement placement = place(items, changed, fit, best.peak);
    if (placement.peak > best.peak) continue;
    best = std::move(placement);
    order = std::move(changed);
  }
}

}  // namespace

std::vector<Packing> first_packings(const std::vector<Item>& items) {
  std::vector<Packing> found;
  for (const std::vector<size_t>& order : orders(items)) {
    for (const Fit fit : {Fit::lowest, Fit::tightest})
      found.push_back({order, fit, place(items, order, fit)});
  }
  std::ranges::stable_sort(found, {}, [](const Packing& p) { return p.placement.peak; });
  return found;
}

Placement improved(const std::vector<Item>& items, Packing packing) {
  improve(items, std::move(packing.order), packing.fit, most_live(items), packing.placement);
  return std::move(packing.placement);
}

}  // namespace rnc
