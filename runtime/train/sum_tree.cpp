#include "runtime/train/sum_tree.h"

#include <bit>

namespace rnrun {

namespace {

// Where the right child of a node begins.
int64_t middle_of(PartRange node) {
  const auto leaves = static_cast<uint64_t>(node.end - node.begin);
  return node.begin + static_cast<int64_t>(std::bit_floor(leaves - 1));
}

void add_nodes(PartRange node, PartRange wanted, std::vector<PartRange>& nodes) {
  if (node.end <= wanted.begin || wanted.end <= node.begin) return;
  if (wanted.begin <= node.begin && node.end <= wanted.end) {
    nodes.push_back(node);
    return;
  }
  const int64_t middle = middle_of(node);
  add_nodes({node.begin, middle}, wanted, nodes);
  add_nodes({middle, node.end}, wanted, nodes);
}

}  // namespace

bool is_node(int64_t leaves, PartRange range) { return nodes_of(leaves, range) == std::vector{range}; }

std::vector<PartRange> nodes_of(int64_t leaves, PartRange range) {
  std::vector<PartRange> nodes;
  if (range.begin < range.end) add_nodes({0, leaves}, range, nodes);
  return nodes;
}

void add_up(std::vector<PartialSum>& sums, int64_t leaves, const AddTo& add) {
  while (sums.size() >= 2) {
    PartialSum &left = sums[sums.size() - 2], &right = sums.back();
    const PartRange both{left.node.begin, right.node.end};
    if (!is_node(leaves, both)) return;
    add(left.values, right.values);
    left.node = both;
    sums.pop_back();
  }
}

}  // namespace rnrun
