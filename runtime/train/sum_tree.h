// The order in which the parts of a step are added up: a binary tree that depends on their number alone, so that sums have
// the same bits whoever computes which parts. The node over some leaves has as its left child the largest power of two of
// them that is fewer than all: 0..5 is (0..3) + (4..5), and 0..3 is (0..1) + (2..3). Ranks that have parts in a row then
// have few nodes: of 2^k parts, 2^j ranks have one each.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/train/step_parts.h"

namespace rnrun {

// The sum of the leaves of a node.
struct PartialSum {
  PartRange node;
  std::span<float> values;
};

// Whether the tree over so many leaves has this node.
bool is_node(int64_t leaves, PartRange range);
// The fewest nodes that make up these leaves, in order.
std::vector<PartRange> nodes_of(int64_t leaves, PartRange range);

using AddTo = std::function<void(std::span<float> sum, std::span<const float> values)>;
// Adds up what `sums` ends in as far as the tree allows: sums of adjacent nodes become that of the node above, in the
// memory of the left one. When nodes come in order and this is called after each, the last call leaves nodes_of them.
void add_up(std::vector<PartialSum>& sums, int64_t leaves, const AddTo& add);

}  // namespace rnrun
