// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): random numbers as a
// function of a key and a counter. There is no state to save: a stream is named by (seed, stream), and its number i is
// the same in whatever order numbers are asked for.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rnrun {

class Random {
 public:
  // Streams of one seed are independent. `stream` may come from stream_of(name).
  Random(uint64_t seed, uint64_t stream) : key_{low(seed), high(seed)}, stream_(stream) {}

  // The 128 bits of block `counter`.
  std::array<uint32_t, 4> block(uint64_t counter) const;
  // The next 32 bits of the stream.
  uint32_t next();
  // Uniform in [0, 1), 24 random bits.
  float uniform() { return static_cast<float>(next() >> 8) * 0x1p-24f; }
  // Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * static_cast<double>(uniform()); }
  // Uniform in 0..bound-1 without bias (Lemire's method).
  uint32_t below(uint32_t bound);
  // Uniform in 0..last, where last < 2^32.
  int64_t up_to(int64_t last) { return static_cast<int64_t>(below(static_cast<uint32_t>(last + 1))); }
  // Standard normal (Box and Muller), in double precision.
  double normal();

 private:
  static uint32_t low(uint64_t x) { return static_cast<uint32_t>(x); }
  static uint32_t high(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

  std::array<uint32_t, 2> key_;
  uint64_t stream_;
  uint64_t counter_ = 0;
  std::array<uint32_t, 4> current_{};
  int used_ = 4;
};

// What an entry's input of role RN_SEED is, of a training's seed, in a part of a step: dropout differs in each.
double seed_of_run(uint64_t seed, int64_t step, int64_t part = 0);

// A stream number from a name: 64-bit FNV-1a.
uint64_t stream_of(std::string_view name);

// 0..count-1 in the order of one epoch: Fisher-Yates, from the seed and the epoch alone.
std::vector<uint32_t> permutation(uint32_t count, uint64_t seed, int64_t epoch);

}  // namespace rnrun
