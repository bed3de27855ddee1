// How it works: a buffer is live from the first call that mentions it to the last. Buffers that take over
// each other's memory in place become one block. Offsets must be linear in the batch N, so:
//   - fixed sizes lie at the bottom;
//   - sizes per sample lie above them, planned as sizes of one sample, every offset times N;
//   - mixed sizes lie above all that lives at the same time, or among the others as (fixed + per_sample) * N, which is
//     enough from N = 1 on; large fixed ones may also lie above all that lives at the same time. Whichever makes the
//     smaller arena is chosen.
// The arena has two sizes, of which the larger counts: with many samples, the size of what grows fastest with them;
// with few, that of what is large and fixed and lives when little else does.
// Blocks of one kind are packed by packing.h, again and again until the arena is hardly larger than what is live.
#include "passes/schedule/plan_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>

#include "ir/loops/buffers.h"
#include "passes/schedule/packing.h"

namespace rnc {
namespace {

using loops::Buffer;
using loops::EntryProgram;
using loops::Extent;
using loops::Region;

constexpr int64_t kLargeFixed = 64 << 10;  // bytes; less is not worth a place of its own kind
constexpr double kCloseEnough = 1.01;      // times the bytes live: an arena no larger is not made smaller

int64_t aligned(int64_t size) { return (size + 63) / 64 * 64; }

// Buffers that share one place, each taking over in place from the one before it.
struct Block {
  std::vector<size_t> buffers;
  Extent size;  // of each buffer, aligned
  Life life;
};

// The buffer whose memory each buffer takes over when it is first written; itself where there is none. A
// buffer is taken over once.
std::vector<size_t> predecessors(const EntryProgram& entry, const std::vector<Life>& life) {
  std::vector<size_t> from(entry.buffers.size());
  std::iota(from.begin(), from.end(), size_t{0});
  std::vector<bool> taken(entry.buffers.size());
  for (int c = 0; c < static_cast<int>(entry.calls.size()); ++c) {
    const loops::Call& call = entry.calls[static_cast<size_t>(c)];
    for (const auto& [written, read] : call.in_place) {
      if (!loops::may_take_over(entry.buffers, call, written, read)) continue;
      const auto w = static_cast<size_t>(written), r = static_cast<size_t>(read);
      const Buffer &to = entry.buffers[w], &dying = entry.buffers[r];
      const bool fits = to.region == Region::arena && dying.region == Region::arena && to.size == dying.size;
      if (!fits || life[w].first != c || life[r].last != c || from[w] != w || taken[r]) continue;
      from[w] = r;
      taken[r] = true;
    }
  }
  return from;
}

std::vector<Block> blocks_of(const EntryProgram& entry) {
  const std::vector<Life> life = lives(entry);
  const std::vector<size_t> from = predecessors(entry, life);
  std::vector<size_t> order;  // a buffer comes after the one it takes over
  for (size_t b = 0; b < entry.buffers.size(); ++b) {
    if (entry.buffers[b].region == Region::arena && life[b].first >= 0) order.push_back(b);
  }
  std::ranges::stable_sort(order, {}, [&](size_t b) { return std::pair(life[b].first, life[b].last); });
  std::vector<Block> blocks;
  std::vector<size_t> block_of(entry.buffers.size());
  for (const size_t b : order) {
    if (from[b] == b) {
      const Extent size = entry.buffers[b].size;
      block_of[b] = blocks.size();
      blocks.push_back({.size = {aligned(size.fixed), aligned(size.per_sample)}, .life = life[b]});
    } else {
      block_of[b] = block_of[from[b]];
    }
    Block& block = blocks[block_of[b]];
    block.buffers.push_back(b);
    block.life.last = life[b].last;
  }
  return blocks;
}

// The bytes live at the call where they are most, counting the buffers of a block once.
Extent most_live(const EntryProgram& entry, const std::vector<Block>& blocks) {
  std::vector<Extent> changes(entry.calls.size() + 1);
  for (const Block& block : blocks) {
    const Extent size = entry.buffers[block.buffers.front()].size;
    Extent& begin = changes[static_cast<size_t>(block.life.first)];
    Extent& end = changes[static_cast<size_t>(block.life.last) + 1];
    begin = {begin.fixed + size.fixed, begin.per_sample + size.per_sample};
    end = {end.fixed - size.fixed, end.per_sample - size.per_sample};
  }
  Extent most, live;
  for (const Extent& change : changes) {
    live = {live.fixed + change.fixed, live.per_sample + change.per_sample};
    if (live.at(kPlanningBatch) > most.at(kPlanningBatch)) most = live;
  }
  return most;
}

// Offsets per block, and the arena's sizes.
struct Plan {
  std::vector<Extent> offsets;
  std::array<Extent, 2> arena{};
};

int64_t bytes(const std::array<Extent, 2>& arena) {
  return std::max(arena[0].at(kPlanningBatch), arena[1].at(kPlanningBatch));
}

Extent larger(const Extent& a, const Extent& b) {
  return {std::max(a.fixed, b.fixed), std::max(a.per_sample, b.per_sample)};
}

// What is placed by fixed size at the bottom, by size per sample above, and over what lives at the same time.
struct Kinds {
  std::vector<Item> fixed, per_sample;
  std::vector<size_t> over;
};

using Ends = std::vector<std::pair<Life, Extent>>;

// Places each block that is `over` above those that live at the same time, fixed part and per-sample part
// each for itself.
void place_over(const std::vector<Block>& blocks, const std::vector<size_t>& over, Ends& ends, Plan& plan) {
  for (const size_t b : over) {
    const Block& block = blocks[b];
    Extent offset;
    for (const auto& [life, end] : ends) {
      if (life.overlaps(block.life)) offset = larger(offset, end);
    }
    plan.offsets[b] = offset;
    ends.emplace_back(block.life,
                      Extent{offset.fixed + block.size.fixed, offset.per_sample + block.size.per_sample});
  }
}

// Two sizes of which each end fits into one: those with the most per sample into the first, as many as make
// the larger of both smallest.
std::array<Extent, 2> arena_of(Ends ends) {
  std::ranges::sort(ends, std::greater<>(), [](const auto& e) { return e.second.per_sample; });
  std::vector<Extent> rest(ends.size() + 1);  // from each end on
  for (size_t i = ends.size(); i-- > 0;) rest[i] = larger(rest[i + 1], ends[i].second);
  std::array<Extent, 2> best{rest[0], Extent{}};
  Extent many;
  for (size_t i = 0; i < ends.size(); ++i) {
    many = larger(many, ends[i].second);
    const std::array<Extent, 2> sizes{many, rest[i + 1]};
    if (bytes(sizes) < bytes(best)) best = sizes;
  }
  return best;
}

Plan plan_around(const std::vector<Block>& blocks, const Kinds& kinds, const Placement& bottom,
                 const Placement& middle) {
  Plan plan{.offsets = std::vector<Extent>(blocks.size())};
  Ends ends;
  for (size_t i = 0; i < kinds.fixed.size(); ++i) {
    const Item& item = kinds.fixed[i];
    plan.offsets[item.block] = {bottom.offsets[i], 0};
    ends.emplace_back(item.life, Extent{bottom.offsets[i] + item.size, 0});
  }
  for (size_t i = 0; i < kinds.per_sample.size(); ++i) {
    const Item& item = kinds.per_sample[i];
    plan.offsets[item.block] = {bottom.peak, middle.offsets[i]};
    ends.emplace_back(item.life, Extent{bottom.peak, middle.offsets[i] + item.size});
  }
  place_over(blocks, kinds.over, ends, plan);
  plan.arena = arena_of(std::move(ends));
  return plan;
}

// The least arena is not always around the least peak, as what is placed over others needs them low. Tries
// other plans until the arena is at most `enough`.
Plan plan_blocks(const std::vector<Block>& blocks, const Kinds& kinds, int64_t enough) {
  const Placement bottom = improved(kinds.fixed, first_packings(kinds.fixed).front());
  std::optional<Plan> best;
  for (Packing& packing : first_packings(kinds.per_sample)) {
    Plan plan = plan_around(blocks, kinds, bottom, improved(kinds.per_sample, std::move(packing)));
    if (!best || bytes(plan.arena) < bytes(best->arena)) best = std::move(plan);
    if (bytes(best->arena) <= enough) break;
  }
  return *std::move(best);
}

Kinds kinds_of(const std::vector<Block>& blocks, bool large_over, bool mixed_over) {
  Kinds kinds;
  for (size_t b = 0; b < blocks.size(); ++b) {
    const auto& [buffers, size, life] = blocks[b];
    const bool fixed = size.per_sample == 0, mixed = !fixed && size.fixed > 0;
    if ((fixed && large_over && size.fixed >= kLargeFixed) || (mixed && mixed_over)) {
      kinds.over.push_back(b);
    } else if (fixed) {
      kinds.fixed.push_back({b, size.fixed, life});
    } else {
      kinds.per_sample.push_back({b, size.fixed + size.per_sample, life});
    }
  }
  return kinds;
}

std::string megabytes(int64_t size) { return fmt::format("{:.3f} MB", static_cast<double>(size) / 1e6); }

}  // namespace

std::vector<Life> lives(const EntryProgram& entry) {
  std::vector<Life> found(entry.buffers.size());
  for (size_t c = 0; c < entry.calls.size(); ++c) {
    for (const int argument : entry.calls[c].arguments) {
      for (const int buffer : {argument, loops::whole_of(entry.buffers, argument)}) {
        Life& life = found[static_cast<size_t>(buffer)];
        if (life.first < 0) life.first = static_cast<int>(c);
        life.last = static_cast<int>(c);
      }
    }
  }
  return found;
}

bool plan_memory(EntryProgram& entry) {
  const std::vector<Block> blocks = blocks_of(entry);
  const Extent bound = std::exchange(entry.live_bound, most_live(entry, blocks));
  const auto enough =
      static_cast<int64_t>(kCloseEnough * static_cast<double>(entry.live_bound.at(kPlanningBatch)));
  Plan plan = plan_blocks(blocks, kinds_of(blocks, false, false), enough);
  for (const auto& [large_over, mixed_over] : {std::pair(false, true), {true, false}, {true, true}}) {
    if (bytes(plan.arena) <= enough) break;
    Plan other = plan_blocks(blocks, kinds_of(blocks, large_over, mixed_over), enough);
    if (bytes(other.arena) < bytes(plan.arena)) plan = std::move(other);
  }
  bool changed = bound != entry.live_bound || entry.arena != plan.arena;
  for (size_t b = 0; b < blocks.size(); ++b) {
    for (const size_t buffer : blocks[b].buffers) {
      Extent& offset = entry.buffers[buffer].offset;
      changed = changed || offset != plan.offsets[b];
      offset = plan.offsets[b];
    }
  }
  entry.arena = plan.arena;
  return changed;
}

std::string memory_report(const EntryProgram& entry) {
  const int64_t peak = entry.arena_bytes(kPlanningBatch), bound = entry.live_bound.at(kPlanningBatch);
  std::string text = fmt::format("entry {}: arena {} bytes; at batch {} {}, at least {} live", entry.name,
                                 arena_text(entry.arena), kPlanningBatch, megabytes(peak), megabytes(bound));
  if (bound > 0)
    text += fmt::format(", ratio {:.3f}", static_cast<double>(peak) / static_cast<double>(bound));
  text += "\n";

  const std::vector<Life> life = lives(entry);
  std::vector<size_t> shown;
  size_t name_width = 6;
  for (size_t b = 0; b < entry.buffers.size(); ++b) {
    const Region region = entry.buffers[b].region;
    if ((region != Region::arena && region != Region::part) || life[b].first < 0) continue;
    shown.push_back(b);
    name_width = std::max(name_width, entry.buffers[b].name.size());
  }
  std::ranges::stable_sort(shown, {}, [&](size_t b) { return std::pair(life[b].first, life[b].last); });
  if (!shown.empty()) {
    text +=
        fmt::format("  {:{}}  {:>24}  {:>11}  {:>28}\n", "buffer", name_width, "bytes", "calls", "offset");
  }
  for (const size_t b : shown) {
    const Buffer& buffer = entry.buffers[b];
    const std::string place =
        buffer.region == Region::part
            ? fmt::format("{} + {}", entry.buffers[static_cast<size_t>(buffer.index)].name,
                          buffer.offset.fixed)
            : str(buffer.offset);
    text += fmt::format("  {:{}}  {:>24}  {:>11}  {:>28}\n", buffer.name, name_width, str(buffer.size),
                        fmt::format("{}..{}", life[b].first, life[b].last), place);
  }
  return text;
}

}  // namespace rnc
