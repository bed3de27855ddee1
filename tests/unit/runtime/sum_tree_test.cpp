#include "runtime/train/sum_tree.h"

#include <doctest/doctest.h>

#include <cmath>

#include "runtime/support/random.h"
#include "tests/unit/runtime/support.h"

namespace rnrun {

namespace {

// Leaves of very different sizes, so that another order gives other bits.
std::vector<float> leaves_of(int64_t count) {
  Random random(3, stream_of("leaves"));
  std::vector<float> leaves;
  for (int64_t i = 0; i < count; ++i)
    leaves.push_back(static_cast<float>(random.normal() * std::exp(6 * random.normal())));
  return leaves;
}

// What the header says, by itself.
float sum_of(std::span<const float> leaves) {
  if (leaves.size() == 1) return leaves[0];
  size_t left = 1;
  while (2 * left < leaves.size()) left *= 2;
  return sum_of(leaves.first(left)) + sum_of(leaves.subspan(left));
}

void add(std::span<float> sum, std::span<const float> values) { sum[0] += values[0]; }

// The sums that are left of the leaves of a range, which are added one by one.
std::vector<PartialSum> sums_of(std::vector<float>& leaves, PartRange range) {
  std::vector<PartialSum> sums;
  for (int64_t i = range.begin; i < range.end; ++i) {
    sums.push_back({{i, i + 1}, std::span(leaves).subspan(static_cast<size_t>(i), 1)});
    add_up(sums, static_cast<int64_t>(leaves.size()), add);
  }
  return sums;
}

}  // namespace

TEST_CASE("the nodes of the tree over six leaves") {
  for (const PartRange node : {PartRange{0, 6}, {0, 4}, {4, 6}, {0, 2}, {2, 4}, {3, 4}, {5, 6}})
    CHECK(is_node(6, node));
  for (const PartRange range : {PartRange{0, 3}, {1, 3}, {2, 6}, {3, 6}, {2, 5}, {2, 2}})
    CHECK_FALSE(is_node(6, range));
  CHECK(nodes_of(6, {0, 3}) == std::vector<PartRange>{{0, 2}, {2, 3}});
  CHECK(nodes_of(6, {3, 6}) == std::vector<PartRange>{{3, 4}, {4, 6}});
  CHECK(nodes_of(6, {2, 2}).empty());
  CHECK(nodes_of(8, {2, 4}) == std::vector<PartRange>{{2, 4}});
}

TEST_CASE("sums have the same bits whichever ranks add up which parts") {
  bool order_matters = false;
  for (int64_t count = 1; count <= 17; ++count) {
    const std::vector<float> leaves = leaves_of(count);
    const float expected = sum_of(leaves);
    float in_order = 0;
    for (const float leaf : leaves) in_order += leaf;
    order_matters = order_matters || in_order != expected;
    for (int ranks = 1; ranks <= count + 2; ++ranks) {  // some have none
      CAPTURE(count);
      CAPTURE(ranks);
      std::vector<float> values = leaves;
      std::vector<PartialSum> all;
      for (int rank = 0; rank < ranks; ++rank) {
        const PartRange range = parts_of_rank(count, rank, ranks);
        std::vector<PartRange> nodes;
        for (const PartialSum& sum : sums_of(values, range)) {
          nodes.push_back(sum.node);
          all.push_back(sum);
          add_up(all, count, add);
        }
        CHECK(nodes == nodes_of(count, range));
      }
      REQUIRE(all.size() == 1);
      CHECK(all[0].values[0] == expected);
    }
  }
  CHECK(order_matters);
}

TEST_CASE("ranks that are a power of two have one node each of parts that are one") {
  for (const int64_t parts : {1, 2, 4, 8, 64})
    for (int64_t ranks = 1; ranks <= parts; ranks *= 2)
      for (int rank = 0; rank < ranks; ++rank)
        CHECK(nodes_of(parts, parts_of_rank(parts, rank, static_cast<int>(ranks))).size() == 1);
}

TEST_CASE("a step in parts") {
  TrainSettings s;
  s.batch_size = 10;
  const rn_entry any{.min_batch = 1}, pairs{.min_batch = 2};
  using Bounds = std::vector<int64_t>;
  CHECK_FALSE(has_parts(s));
  CHECK(part_bounds(s, any, 7) == Bounds{0, 7});
  s.accumulate = 3;
  CHECK(has_parts(s));
  CHECK(step_samples(s) == 30);
  CHECK(part_bounds(s, any, 30) == Bounds{0, 10, 20, 30});
  CHECK(part_bounds(s, any, 12) == Bounds{0, 10, 12});
  CHECK(largest_part(s, any, 7) == 7);
  s.accumulate = 1;
  s.micro_batches = 4;
  CHECK(has_parts(s));
  CHECK(part_bounds(s, any, 10) == Bounds{0, 2, 5, 7, 10});
  CHECK(part_bounds(s, any, 3) == Bounds{0, 1, 2, 3});  // fewer samples than parts
  CHECK(part_bounds(s, pairs, 7) == Bounds{0, 2, 4, 7});
  CHECK(part_bounds(s, pairs, 1) == Bounds{0, 1});
  CHECK(largest_part(s, any, 100) == 3);
  CHECK(largest_part(s, pairs, 13) == 3);  // the last step has one part of three samples
  CHECK(part_count(s, any, 10) == 4);
  CHECK(parts_of_rank(8, 1, 4) == PartRange{2, 4});
  CHECK(parts_of_rank(8, 1, 3) == PartRange{2, 5});
  CHECK(parts_of_rank(1, 0, 2) == PartRange{0, 0});
}

}  // namespace rnrun
