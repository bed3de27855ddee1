// How a tensor lies in memory: what rn_type of abi.h says, as the compiler and the runtime compute with it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contract {

// From outermost to innermost: each dimension of `order` (its block count if the dimension is blocked,
// rounded up), then each of `blocks`. A dimension may be blocked more than once: its later blocks divide the
// earlier ones. Lanes past the end of a blocked dimension are padding, and zero in every value that is stored
// for others to read. Example, activations nChw16c: order {0,1,2,3}, blocks {{1,16}}. Example, weights
// O/32 I/16 kh kw 16i 32o: order {0,1,2,3}, blocks {{1,16},{0,32}}. Example, C/64 16 4 for dot products of
// four: blocks {{1,16},{1,4}}.
struct Layout {
  struct Block {
    int dim = 0;
    int64_t size = 1;
    bool operator==(const Block&) const = default;
  };
  std::vector<int> order;     // empty: 0,1,2,... (row-major)
  std::vector<Block> blocks;  // empty: plain
  bool plain() const { return order.empty() && blocks.empty(); }
  // Elements of the dimension in all its blocks: 1 where it is not blocked.
  int64_t block(int dim) const;
  // Elements of its dimension that one step along block `i` passes: those of the later blocks.
  int64_t step(size_t i) const;
  // The dimension at this place from the outermost.
  int dim_at(int place) const;
  bool operator==(const Layout&) const = default;
};

inline constexpr int64_t kLargestBlock = 4096;
inline constexpr int kMostBlocks = 6;

// Whether `order` is empty or names each dimension once, and the blocks are of dimensions that there are, of
// at least one element and in all at most kLargestBlock per dimension, and at most kMostBlocks.
bool well_formed(const Layout& layout, int rank);

// Sizes of the physical array, outermost first: the dimensions in `order` divided by their blocks (rounded
// up), then the blocks. A size of -1, the batch, stays -1.
std::vector<int64_t> physical_dims(std::span<const int64_t> shape, const Layout& layout);

// The places in the physical array, in elements, of the elements of a tensor in row-major order; of a shape
// without batch.
class Places {
 public:
  Places(std::span<const int64_t> shape, const Layout& layout);
  // Calls visit(number in row-major order, place).
  template <class Visit>
  void each(const Visit& visit) const {
    int64_t number = 0;
    walk(0, 0, number, visit);
  }

 private:
  template <class Visit>
  void walk(size_t dim, int64_t place, int64_t& number, const Visit& visit) const {
    if (dim == offsets_.size()) return visit(number++, place);
    for (const int64_t offset : offsets_[dim]) walk(dim + 1, place + offset, number, visit);
  }
  std::vector<std::vector<int64_t>> offsets_;  // by dimension and index: a place is the sum of these
};

}  // namespace contract
