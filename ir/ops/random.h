// Random numbers by counting: each is a function of a key and two counters, so that it does not depend on threads, on
// the order in which values are computed, or on how often. Philox 2x32 with 7 rounds (Salmon et al. 2011, "Parallel
// random numbers: as easy as 1, 2, 3"), of which the first word is taken.
#pragma once

#include <cstdint>
#include <string_view>

namespace rnc {

inline constexpr int kPhiloxRounds = 7;
inline constexpr uint32_t kPhiloxMultiplier = 0xD256D193, kPhiloxWeyl = 0x9E3779B9;

constexpr uint32_t philox(uint32_t key, uint32_t stream, uint32_t counter) {
  uint32_t x = counter, y = stream;
  for (int round = 0; round < kPhiloxRounds; ++round, key += kPhiloxWeyl) {
    const uint64_t product = uint64_t{kPhiloxMultiplier} * x;
    x = static_cast<uint32_t>(product >> 32) ^ key ^ y;
    y = static_cast<uint32_t>(product);
  }
  return x;
}

// The stream of a layer, by its name: below 2^31.
constexpr int64_t stream_of(std::string_view name) {
  uint32_t hash = 0x811C9DC5;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x01000193;
  return hash >> 1;
}

// Of numbers that are equally likely, as i32, what is below this has probability p.
constexpr int32_t threshold(double p) {
  return static_cast<int32_t>(static_cast<int64_t>(p * 0x1p32) - (int64_t{1} << 31));
}

}  // namespace rnc
