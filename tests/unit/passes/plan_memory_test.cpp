// Plans of random and of training-like call sequences: sound for every batch, and near the lower bound.
#include "passes/schedule/plan_memory.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

using namespace rnc;
using namespace rnc::loops;

namespace {

struct Life {
  int first = -1, last = -1;
};

Life life_of(const EntryProgram& entry, int buffer) {
  Life life;
  for (int c = 0; c < static_cast<int>(entry.calls.size()); ++c) {
    if (std::ranges::count(entry.calls[static_cast<size_t>(c)].arguments, buffer) == 0) continue;
    if (life.first < 0) life.first = c;
    life.last = c;
  }
  return life;
}

bool may_share(const EntryProgram& entry, int written, int read) {
  const Life w = life_of(entry, written), r = life_of(entry, read);
  if (w.first != r.last) return false;
  const auto& pairs = entry.calls[static_cast<size_t>(w.first)].in_place;
  return std::ranges::count(pairs, std::pair(written, read)) > 0;
}

const Buffer& at(const EntryProgram& entry, int buffer) { return entry.buffers[static_cast<size_t>(buffer)]; }

// The first pair of buffers that overlap at some batch and may not; empty if there is none.
std::string overlap(const EntryProgram& entry) {
  const int count = static_cast<int>(entry.buffers.size());
  for (const int64_t batch : {1, 2, 5, 64, 1000}) {
    for (int a = 0; a < count; ++a) {
      const Life life_a = life_of(entry, a);
      if (life_a.first < 0 || at(entry, a).region != Region::arena) continue;
      const int64_t begin_a = at(entry, a).offset.at(batch), end_a = begin_a + at(entry, a).size.at(batch);
      if (begin_a < 0 || begin_a % 64 != 0 || end_a > entry.arena_bytes(batch))
        return at(entry, a).name + " misplaced";
      for (int b = 0; b < a; ++b) {
        const Life life_b = life_of(entry, b);
        if (life_b.first < 0 || at(entry, b).region != Region::arena) continue;
        if (life_a.first > life_b.last || life_b.first > life_a.last) continue;
        const int64_t begin_b = at(entry, b).offset.at(batch), end_b = begin_b + at(entry, b).size.at(batch);
        if (end_a <= begin_b || end_b <= begin_a) continue;
        if (begin_a == begin_b && (may_share(entry, a, b) || may_share(entry, b, a))) continue;
        return at(entry, a).name + " overlaps " + at(entry, b).name;
      }
    }
  }
  return "";
}

std::array<Extent, 2> one_size(const Extent& size) { return {size, Extent{}}; }

double ratio(const EntryProgram& entry) {
  return static_cast<double>(entry.arena_bytes(kPlanningBatch)) /
         static_cast<double>(entry.live_bound.at(kPlanningBatch));
}

int add(EntryProgram& entry, Extent size) {
  entry.buffers.push_back({.name = "%" + std::to_string(entry.buffers.size()), .size = size});
  return static_cast<int>(entry.buffers.size()) - 1;
}

enum class Sizes : uint8_t { per_sample, mixed };

// Each call writes a buffer and reads up to three earlier ones, mostly recent, some in place.
EntryProgram random_entry(unsigned seed, Sizes sizes) {
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return static_cast<int64_t>(random() % n); };
  EntryProgram entry{.name = "random"};
  const int64_t calls = 5 + below(60);
  for (int64_t c = 0; c < calls; ++c) {
    Extent size{0, 4 * (1 + below(5000))};
    if (sizes == Sizes::mixed && below(3) == 0)
      size = {4 * (1 + below(50000)), below(2) * 4 * (1 + below(5000))};
    Call call;
    const int earlier = static_cast<int>(entry.buffers.size());
    std::set<int> reads;
    for (int64_t r = below(4); r > 0 && earlier > 0; --r) {
      const auto back = static_cast<int>(below(4) == 0 ? below(static_cast<unsigned>(earlier)) : below(4));
      reads.insert(std::max(0, earlier - 1 - back));
    }
    const int written = add(entry, size);
    for (const int read : reads) {
      call.arguments.push_back(read);
      if (below(2) == 0) call.in_place.emplace_back(written, read);
    }
    if (!call.in_place.empty() && below(2) == 0) entry.buffers.back().size = at(entry, *reads.begin()).size;
    call.arguments.push_back(written);
    entry.calls.push_back(call);
  }
  return entry;
}

// A residual network's training step: activations kept for backward, which runs in reverse with a gradient
// passed on, temporaries in some calls, and an update in place of each gradient's last use.
EntryProgram training_entry(int depth, bool temporaries) {
  EntryProgram entry{.name = "train_step"};
  const auto call = [&](std::vector<int> arguments, std::vector<std::pair<int, int>> in_place = {}) {
    entry.calls.push_back({.arguments = std::move(arguments), .in_place = std::move(in_place)});
  };
  const auto width = [&](int layer) { return Extent{0, 4 * (200000 >> (4 * layer / depth)) + 4}; };
  std::vector<int> kept{add(entry, width(0))};
  call({kept[0]});
  for (int layer = 0; layer < depth; ++layer) {
    const int conv = add(entry, width(layer)), sums = add(entry, {1024, 0}), out = add(entry, width(layer));
    if (temporaries) {
      call({kept.back(), conv, sums, add(entry, {300000, 0})});
    } else {
      call({kept.back(), conv, sums});
    }
    call({conv, sums, kept.back(), out});
    kept.push_back(out);
    kept.push_back(conv);
    std::swap(kept[kept.size() - 2], kept.back());
  }
  int gradient = add(entry, width(depth - 1));
  call({kept.back(), gradient});
  while (kept.size() > 1) {
    const int out = kept.back();
    kept.pop_back();
    const int conv = kept.back();
    kept.pop_back();
    const int through = add(entry, at(entry, conv).size),
              weight = add(entry, {temporaries ? 147456 : 1024, 0});
    call({out, gradient, through}, {{through, gradient}});
    call({conv, through, weight});
    gradient = add(entry, at(entry, kept.back()).size);
    call({through, gradient, weight});
  }
  return entry;
}

}  // namespace

TEST_CASE("plans of random programs are sound for every batch") {
  for (const Sizes sizes : {Sizes::per_sample, Sizes::mixed}) {
    double sum = 0;
    for (unsigned seed = 0; seed < 60; ++seed) {
      EntryProgram entry = random_entry(seed, sizes);
      plan_memory(entry);
      CAPTURE(seed);
      CHECK(overlap(entry) == "");
      CHECK(ratio(entry) >= 1);
      sum += ratio(entry);
    }
    // Fixed and per-sample buffers cannot take each other's place.
    CHECK(sum / 60 <= (sizes == Sizes::per_sample ? 1.03 : 1.4));
  }
}

TEST_CASE("plans of training steps are near the lower bound") {
  for (const int depth : {2, 8, 16, 50}) {
    for (const bool temporaries : {false, true}) {
      EntryProgram entry = training_entry(depth, temporaries);
      plan_memory(entry);
      CAPTURE(depth);
      CHECK(overlap(entry) == "");
      CHECK(ratio(entry) <= 1.01);
    }
  }
}

TEST_CASE("in-place pairs share memory where the read buffer dies") {
  EntryProgram entry{.name = "infer"};
  const int a = add(entry, {0, 4000}), b = add(entry, {0, 4000}), c = add(entry, {0, 4000});
  entry.calls = {{.arguments = {a}},
                 {.arguments = {a, b}, .in_place = {{b, a}}},
                 {.arguments = {b, c}, .in_place = {{c, b}}}};
  plan_memory(entry);
  CHECK(entry.arena == one_size({0, 4032}));
  CHECK(entry.live_bound == Extent{0, 4000});
  CHECK(memory_report(entry) ==
        R"(entry infer: arena 4032 * N bytes; at batch 64 0.258 MB, at least 0.256 MB live, ratio 1.008
  buffer                     bytes        calls                        offset
  %0                      4000 * N         0..1                             0
  %1                      4000 * N         1..2                             0
  %2                      4000 * N         2..2                             0
)");

  // Not where it is read later,
  entry.calls[2].arguments.push_back(a);
  plan_memory(entry);
  CHECK(overlap(entry) == "");
  CHECK(entry.arena == one_size({0, 8064}));
  // nor where sizes differ,
  entry.calls[2].arguments.pop_back();
  entry.buffers[0].size = {0, 8000};
  plan_memory(entry);
  CHECK(overlap(entry) == "");
  CHECK(entry.arena == one_size({0, 12032}));
  // nor outside the arena.
  entry.buffers[0].region = Region::input;
  plan_memory(entry);
  CHECK(entry.arena == one_size({0, 4032}));
}

TEST_CASE("one buffer is taken over by one other") {
  EntryProgram entry{.name = "infer"};
  const int a = add(entry, {4000, 0}), b = add(entry, {4000, 0}), c = add(entry, {4000, 0});
  entry.calls = {{.arguments = {a}}, {.arguments = {a, b, c}, .in_place = {{b, a}, {c, a}}}};
  plan_memory(entry);
  CHECK(overlap(entry) == "");
  CHECK(entry.arena == one_size({8064, 0}));
}

TEST_CASE("fixed, per-sample and mixed buffers lie behind each other") {
  EntryProgram entry{.name = "infer"};
  const int a = add(entry, {100, 0}), b = add(entry, {0, 100}), c = add(entry, {100000, 100});
  entry.calls = {{.arguments = {a, b, c}}};
  plan_memory(entry);
  CHECK(overlap(entry) == "");
  CHECK(entry.arena == one_size({128 + 100032, 128 + 128}));
  // Mixed ones keep away what lives at the same time only: c has the places of a and b.
  entry.buffers[2].size = {4, 96};
  entry.calls = {{.arguments = {a, b}}, {.arguments = {c}}};
  plan_memory(entry);
  CHECK(overlap(entry) == "");
  CHECK(entry.arena == one_size({128, 128}));
  // Small next to the samples' part: planned per sample, in the place of b.
  entry.buffers[1].size = {0, 1000};
  entry.calls = {{.arguments = {a, b}}, {.arguments = {a, c}}};
  plan_memory(entry);
  CHECK(overlap(entry) == "");
  CHECK(entry.arena == one_size({128, 1024}));
}

// As weights that are transformed while little else lives: at batch 64 they lie where samples' values have
// been.
TEST_CASE("what is large and fixed makes an arena of a second size") {
  EntryProgram entry{.name = "infer"};
  const int big = add(entry, {0, 4096}), small = add(entry, {0, 512}), fixed = add(entry, {65536, 0});
  entry.calls = {{.arguments = {big}}, {.arguments = {small, fixed}}};
  plan_memory(entry);
  CHECK(overlap(entry) == "");
  CHECK(entry.arena == std::array{Extent{0, 4096}, Extent{65536, 512}});
  CHECK(entry.arena_bytes(1) == 65536 + 512);
  CHECK(entry.arena_bytes(64) == 64 * 4096);
  CHECK(
      memory_report(entry).starts_with("entry infer: arena max(4096 * N, 65536 + 512 * N) bytes; at batch 64 "
                                       "0.262 MB, at least 0.262 MB live, ratio 1.000\n"));
}

TEST_CASE("nothing to plan") {
  EntryProgram entry{.name = "prepare"};
  plan_memory(entry);
  CHECK(entry.arena == one_size({}));
  CHECK(memory_report(entry) ==
        "entry prepare: arena 0 bytes; at batch 64 0.000 MB, at least 0.000 MB live\n");
}

TEST_CASE("no place is taken over where the call reads a part of what lies there") {
  EntryProgram entry{.name = "infer"};
  const int whole = add(entry, {0, 128}), y = add(entry, {0, 128});
  entry.buffers.push_back({"part", Region::part, whole, {0, 64}, {64, 128}});
  entry.calls = {
      {.arguments = {whole}}, {.arguments = {whole, 2, y}, .in_place = {{y, whole}}}, {.arguments = {y}}};
  plan_memory(entry);
  CHECK(entry.arena == one_size({0, 256}));
  entry.calls[1].arguments = {whole, y};
  plan_memory(entry);
  CHECK(entry.arena == one_size({0, 128}));
}
