#include "passes/schedule/occupied.h"

#include <algorithm>

namespace rnc {

Occupied::Occupied(int calls) {
  while (size_ < calls) size_ *= 2;
  nodes_.resize(2 * static_cast<size_t>(size_));
}

void Occupied::add(Life life, int64_t begin, int64_t end) { add(1, 0, size_, life, begin, end); }

Occupied::Ranges::const_iterator Occupied::after(const Ranges& ranges, int64_t offset) {
  return std::ranges::upper_bound(ranges, offset, {}, &Ranges::value_type::second);
}

void Occupied::add(Ranges& ranges, int64_t begin, int64_t end) {
  // Those that touch the new one become part of it.
  const auto first = std::ranges::lower_bound(ranges, begin, {}, &Ranges::value_type::second);
  auto last = first;
  for (; last != ranges.end() && last->first <= end; ++last) {
    begin = std::min(begin, last->first);
    end = std::max(end, last->second);
  }
  if (first == last) {
    ranges.insert(first, {begin, end});
  } else {
    *first = {begin, end};
    ranges.erase(first + 1, last);
  }
}

void Occupied::add(size_t node, int first, int count, Life life, int64_t begin, int64_t end) {
  if (!life.overlaps({first, first + count - 1})) return;
  add(nodes_[node].some, begin, end);
  if (life.first <= first && first + count - 1 <= life.last) {
    add(nodes_[node].through, begin, end);
    return;
  }
  add(2 * node, first, count / 2, life, begin, end);
  add(2 * node + 1, first + count / 2, count / 2, life, begin, end);
}

void Occupied::collect(size_t node, int first, int count, Life life,
                       std::vector<const Ranges*>& found) const {
  if (!life.overlaps({first, first + count - 1})) return;
  if (life.first <= first && first + count - 1 <= life.last) {
    found.push_back(&nodes_[node].some);
    return;
  }
  found.push_back(&nodes_[node].through);
  collect(2 * node, first, count / 2, life, found);
  collect(2 * node + 1, first + count / 2, count / 2, life, found);
}

}  // namespace rnc
