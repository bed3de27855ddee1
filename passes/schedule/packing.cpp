#include "passes/schedule/packing.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <utility>

#include "passes/schedule/occupied.h"

namespace rnc {
namespace {

constexpr size_t kFew = 2048;  // items, of which each can be compared with each other

// Of gaps from the lowest on, the one to take for an item of `size`.
struct Choice {
  int64_t size;
  Fit fit;
  int64_t best = -1, best_gap = 0;
  // Whether a gap after this one may be better.
  bool consider(int64_t begin, int64_t end) {
    const int64_t gap = end - begin;
    if (gap < size || (best >= 0 && gap >= best_gap)) return true;
    best = begin;
    best_gap = gap;
    return fit == Fit::tightest;
  }
};

// As `place`, in another way.
Placement place_many(const std::vector<Item>& items, const std::vector<size_t>& order, Fit fit,
                     int64_t most) {
  Placement placement{.offsets = std::vector<int64_t>(items.size())};
  int calls = 0;
  for (const Item& item : items) calls = std::max(calls, item.life.last + 1);
  Occupied occupied(calls);
  for (const size_t i : order) {
    const Item& item = items[i];
    Choice choice{item.size, fit};
    const int64_t end =
        occupied.gaps(item.life, [&](int64_t from, int64_t to) { return choice.consider(from, to); });
    const int64_t offset = choice.best >= 0 ? choice.best : end;
    placement.offsets[i] = offset;
    placement.peak = std::max(placement.peak, offset + item.size);
    if (placement.peak > most) return placement;
    occupied.add(item.life, offset, offset + item.size);
  }
  return placement;
}

// Places the items in the given order, each in a gap between those placed before it. Gives up, with a larger
// peak, where it is going to be above `most`.
Placement place(const std::vector<Item>& items, const std::vector<size_t>& order, Fit fit,
                int64_t most = INT64_MAX) {
  if (items.size() > kFew) return place_many(items, order, fit, most);
  Placement placement{.offsets = std::vector<int64_t>(items.size())};
  std::vector<size_t> placed;  // by offset
  for (const size_t i : order) {
    const Item& item = items[i];
    int64_t end = 0;  // of what lies below the gap
    Choice choice{item.size, fit};
    bool better = true;
    for (const size_t p : placed) {
      if (!items[p].life.overlaps(item.life)) continue;
      if (placement.offsets[p] > end) better = choice.consider(end, placement.offsets[p]);
      if (!better) break;
      end = std::max(end, placement.offsets[p] + items[p].size);
    }
    const int64_t offset = choice.best >= 0 ? choice.best : end;
    placement.offsets[i] = offset;
    placement.peak = std::max(placement.peak, offset + item.size);
    if (placement.peak > most) return placement;
    const auto above = [&](size_t p) { return placement.offsets[p] <= offset; };
    placed.insert(std::ranges::partition_point(placed, above), i);
  }
  return placement;
}

int64_t most_live(const std::vector<Item>& items) {
  std::map<int, int64_t> changes;  // by call
  for (const Item& item : items) {
    changes[item.life.first] += item.size;
    changes[item.life.last + 1] -= item.size;
  }
  int64_t most = 0, live = 0;
  for (const auto& [call, change] : changes) most = std::max(most, live += change);
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
  constexpr size_t kTries = 400;
  // Of many items fewer, so that they take no longer than those of few.
  const size_t excess = std::max<size_t>(items.size() / kFew, 1);
  const size_t tries = std::max<size_t>(kTries / (excess * excess), 4);
  std::mt19937 random(1);  // fixed: equal programs get equal plans
  for (size_t t = 0; t < tries && best.peak > bound; ++t) {
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
