// Arena buffers that are in use at the same time do not overlap: see the rules in verify_program.cpp.
#include <algorithm>
#include <map>
#include <vector>

#include "ir/loops/buffers.h"
#include "ir/loops/verifiers.h"

namespace rnc::loops {
namespace {

// An arena buffer while it is used.
struct Life {
  int buffer = 0;
  int first = 0, last = 0;  // calls
};

std::vector<Life> arena_lives(const EntryProgram& entry) {
  std::map<int, Life> lives;
  for (int c = 0; c < static_cast<int>(entry.calls.size()); ++c) {
    for (const int argument : entry.calls[static_cast<size_t>(c)].arguments) {
      const int buffer = whole_of(entry.buffers, argument);
      if (entry.buffers[static_cast<size_t>(buffer)].region != Region::arena) continue;
      lives.try_emplace(buffer, Life{buffer, c, c}).first->second.last = c;
    }
  }
  std::vector<Life> found;
  for (const auto& [buffer, life] : lives) found.push_back(life);
  return found;
}

bool share_in_place(const EntryProgram& entry, const Life& written, const Life& read) {
  const Call& call = entry.calls[static_cast<size_t>(read.last)];
  return written.first == read.last && may_take_over(entry.buffers, call, written.buffer, read.buffer);
}

Extent end_of(const Buffer& b) {
  return {b.offset.fixed + b.size.fixed, b.offset.per_sample + b.size.per_sample};
}

// The arena buffers in use at one call after the other, from low to high: at batch 1, and so at every batch,
// as `fits` is transitive. So a buffer has to be compared with its neighbours only.
class LiveBuffers {
 public:
  explicit LiveBuffers(const EntryProgram& entry) : entry_(entry) {}

  void begin(const Life& life) {
    const int64_t offset = buffer(life).offset.at(1);
    const auto above = live_.upper_bound(offset);
    // Those that share a place are neighbours as well.
    if (above != live_.begin()) {
      const auto [first, last] = live_.equal_range(std::prev(above)->first);
      for (auto below = first; below != last; ++below) check(life, below->second);
    }
    if (above != live_.end()) {
      const auto [first, last] = live_.equal_range(above->first);
      for (auto next = first; next != last; ++next) check(life, next->second);
    }
    live_.emplace(offset, life);
  }

  void end(const Life& life) {
    const auto [first, last] = live_.equal_range(buffer(life).offset.at(1));
    live_.erase(std::find_if(first, last, [&](const auto& at) { return at.second.buffer == life.buffer; }));
  }

 private:
  const Buffer& buffer(const Life& life) const { return entry_.buffers[static_cast<size_t>(life.buffer)]; }

  void check(const Life& a, const Life& b) const {
    const Buffer &x = buffer(a), &y = buffer(b);
    const bool apart = fits(end_of(x), y.offset) || fits(end_of(y), x.offset);
    const bool shared =
        x.offset == y.offset && (share_in_place(entry_, a, b) || share_in_place(entry_, b, a));
    require(apart || shared, "{} and {} overlap", (a.buffer < b.buffer ? x : y).name,
            (a.buffer < b.buffer ? y : x).name);
  }

  const EntryProgram& entry_;
  std::multimap<int64_t, Life> live_;  // by offset at batch 1
};

}  // namespace

void check_plan(const EntryProgram& entry) {
  if (entry.arena[0] == Extent{}) return;
  std::vector<std::vector<Life>> begins(entry.calls.size()), ends(entry.calls.size());
  for (const Life& life : arena_lives(entry)) {
    const Buffer& x = entry.buffers[static_cast<size_t>(life.buffer)];
    const bool inside = fits(end_of(x), entry.arena[0]) || fits(end_of(x), entry.arena[1]);
    require(x.offset.at(1) >= 0 && x.offset.per_sample >= 0 && inside, "{} is outside the arena", x.name);
    require(x.offset.fixed % 64 == 0 && x.offset.per_sample % 64 == 0, "{} is not aligned", x.name);
    begins[static_cast<size_t>(life.first)].push_back(life);
    ends[static_cast<size_t>(life.last)].push_back(life);
  }
  LiveBuffers live(entry);
  for (size_t call = 0; call < entry.calls.size(); ++call) {
    for (const Life& life : begins[call]) live.begin(life);
    for (const Life& life : ends[call]) live.end(life);
  }
}

}  // namespace rnc::loops
