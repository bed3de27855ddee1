#include "ir/ops/random.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace rnc;

TEST_CASE("random: Philox 2x32-7 gives the known answers of Random123") {
  CHECK(philox(0, 0, 0) == 0x257a3673);
  CHECK(philox(0xffffffff, 0xffffffff, 0xffffffff) == 0xab302c4d);
  CHECK(philox(0x13198a2e, 0x85a308d3, 0x243f6a88) == 0xbedbbe6b);
}

TEST_CASE("random: as much is below the threshold as is to be, in neighbouring streams and keys alike") {
  constexpr uint32_t kCount = 100'000;
  for (const double p : {0.0, 0.1, 0.5, 0.9}) {
    for (const uint32_t key : {0u, 1u, 7u}) {
      for (const uint32_t stream : {0u, 1u}) {
        int64_t below = 0, both = 0;
        for (uint32_t i = 0; i < kCount; ++i) {
          const auto is_below = [&](uint32_t k, uint32_t s, uint32_t n) {
            return static_cast<int32_t>(philox(k, s, n)) < threshold(p);
          };
          below += is_below(key, stream, i);
          both += is_below(key, stream, i) && is_below(key + 1, stream, i) && is_below(key, stream + 1, i);
        }
        const auto within = [&](int64_t count, double share) {  // six standard deviations
          return std::abs(static_cast<double>(count) - share * kCount) <=
                 6 * std::sqrt(share * (1 - share) * kCount);
        };
        CHECK(within(below, p));
        CHECK(within(both, p * p * p));
      }
    }
  }
}

TEST_CASE("random: layers have streams of their own") {
  CHECK(stream_of("layer1.0.drop") != stream_of("layer1.1.drop"));
  CHECK(stream_of("") >= 0);
}
