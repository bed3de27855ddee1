#include "runtime/support/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace rnrun {

TEST_CASE("Philox4x32-10 gives the published known answers") {
  // The kat_vectors of the authors' Random123.
  using Block = std::array<uint32_t, 4>;
  CHECK(Random(0, 0).block(0) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(Random(~uint64_t{0}, ~uint64_t{0}).block(~uint64_t{0}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(Random(0x299f31d0a4093822, 0x0370734413198a2e).block(0x85a308d3243f6a88) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform and normal numbers have the moments they should") {
  Random random(1, 2);
  constexpr int kCount = 100'000;
  double sum = 0;
  double squares = 0;
  float smallest = 1;
  float largest = 0;
  for (int i = 0; i < kCount; ++i) {
    const float u = random.uniform();
    smallest = std::min(smallest, u);
    largest = std::max(largest, u);
    const double z = random.normal();
    sum += z;
    squares += z * z;
  }
  CHECK(smallest >= 0);
  CHECK(smallest < 1e-3);
  CHECK(largest < 1);
  CHECK(largest > 1 - 1e-3);
  CHECK(std::abs(sum / kCount) < 0.02);
  CHECK(std::abs(squares / kCount - 1) < 0.03);
}

TEST_CASE("an epoch's order is a permutation that depends on seed and epoch only") {
  const auto order = permutation(1000, 7, 3);
  auto sorted = order;
  std::ranges::sort(sorted);
  for (uint32_t i = 0; i < 1000; ++i) REQUIRE(sorted[i] == i);
  CHECK(order == permutation(1000, 7, 3));
  CHECK(order != permutation(1000, 7, 4));
  CHECK(order != permutation(1000, 8, 3));
  CHECK(order != sorted);
  CHECK(permutation(0, 1, 1).empty());
}

}  // namespace rnrun
