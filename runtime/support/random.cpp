#include "runtime/support/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace rnrun {

std::array<uint32_t, 4> Random::block(uint64_t counter) const {
  std::array<uint32_t, 4> x = {low(counter), high(counter), low(stream_), high(stream_)};
  uint32_t k0 = key_[0];
  uint32_t k1 = key_[1];
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * x[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57} * x[2];
    x = {high(p1) ^ x[1] ^ k0, low(p1), high(p0) ^ x[3] ^ k1, low(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return x;
}

uint32_t Random::next() {
  if (used_ == 4) {
    current_ = block(counter_++);
    used_ = 0;
  }
  return current_[static_cast<size_t>(used_++)];
}

uint32_t Random::below(uint32_t bound) {
  const uint32_t threshold = -bound % bound;
  for (;;) {
    const uint64_t product = uint64_t{next()} * bound;
    if (low(product) >= threshold) return high(product);
  }
}

double Random::normal() {
  // (0, 1]: the logarithm is finite.
  const double u = (static_cast<double>(next()) + 1.0) * 0x1p-32;
  const double v = static_cast<double>(next()) * 0x1p-32;
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

uint64_t stream_of(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::vector<uint32_t> permutation(uint32_t count, uint64_t seed, int64_t epoch) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  Random random(seed, stream_of("shuffle") + static_cast<uint64_t>(epoch));
  for (uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

double seed_of_run(uint64_t seed, int64_t step, int64_t part) {
  const Random random(seed, stream_of("dropout") + static_cast<uint64_t>(part));
  return random.block(static_cast<uint64_t>(step))[0] >> 1;
}

}  // namespace rnrun
