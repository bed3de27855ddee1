#include "ir/loops/buffers.h"

#include <algorithm>

namespace rnc::loops {

DType precision(const Program& program) {
  DType least = contract::kDefaultReal;
  for (const EntryProgram& entry : program.entries) {
    for (const Buffer& buffer : entry.buffers) {
      const DType type = buffer.type.dtype;
      if (is_real(type) && rnc::bytes(type) < rnc::bytes(least)) least = type;
    }
  }
  return least;
}

int whole_of(const std::vector<Buffer>& buffers, int buffer) {
  const Buffer& b = buffers[static_cast<size_t>(buffer)];
  return b.region == Region::part ? b.index : buffer;
}

bool overlap(const std::vector<Buffer>& buffers, int a, int b) {
  if (a == b) return true;
  if (whole_of(buffers, a) != whole_of(buffers, b)) return false;
  const Buffer &x = buffers[static_cast<size_t>(a)], &y = buffers[static_cast<size_t>(b)];
  if (x.region != Region::part || y.region != Region::part) return true;
  return x.offset.fixed < y.offset.fixed + y.size.per_sample &&
         y.offset.fixed < x.offset.fixed + x.size.per_sample;
}

bool may_take_over(const std::vector<Buffer>& buffers, const Call& call, int written, int read) {
  if (std::ranges::find(call.in_place, std::pair(written, read)) == call.in_place.end()) return false;
  const auto element = [&](int buffer) { return bytes(buffers[static_cast<size_t>(buffer)].type.dtype); };
  if (element(written) != element(read)) return false;
  return std::ranges::none_of(call.arguments, [&](int given) {
    const int whole = whole_of(buffers, given);
    return whole != given && (whole == written || whole == read);
  });
}

StoredBytes::StoredBytes(const std::vector<Buffer>& buffers) : buffers_(buffers) {
  for (const Buffer& b : buffers)
    if (b.region == Region::part) ends_.emplace(b.index, b.offset.per_sample);
}

std::pair<int64_t, int64_t> StoredBytes::range_of(int buffer) const {
  const Buffer& b = buffers_[static_cast<size_t>(buffer)];
  if (b.region == Region::part) return {b.offset.fixed, b.offset.fixed + b.size.per_sample};
  const auto end = ends_.find(buffer);
  return {0, end == ends_.end() ? 1 : end->second};
}

void StoredBytes::add(int buffer) {
  auto& ranges = ranges_[whole_of(buffers_, buffer)];
  auto [begin, end] = range_of(buffer);
  for (auto it = ranges.begin(); it != ranges.end();) {
    const bool apart = it->second < begin || it->first > end;
    if (!apart) {
      begin = std::min(begin, it->first);
      end = std::max(end, it->second);
    }
    it = apart ? std::next(it) : ranges.erase(it);
  }
  ranges.emplace(begin, end);
}

bool StoredBytes::contains(int buffer) const {
  const auto found = ranges_.find(whole_of(buffers_, buffer));
  if (found == ranges_.end()) return false;
  const auto [begin, end] = range_of(buffer);
  const auto after = found->second.upper_bound(begin);
  return after != found->second.begin() && std::prev(after)->second >= end;
}

}  // namespace rnc::loops
