// Types of graph values: element type, shape with a symbolic batch, and storage layout.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rnc {

// f64 is for scalars only: the numbers of an optimizer, which are double in PyTorch.
enum class DType : uint8_t { f32, u8, i32, f64 };
std::string_view name(DType);  // "f32"
int64_t bytes(DType);

// The symbolic batch size N. Only dimension 0 may be kBatch.
inline constexpr int64_t kBatch = -1;
using Shape = std::vector<int64_t>;
std::string str(const Shape&);  // "[N, 64, 56, 56]"
// Elements of one sample: the product of all dimensions but kBatch.
int64_t elements_per_sample(const Shape&);
bool has_batch(const Shape&);

// How a tensor lies in memory. It never changes what the value means: the interpreter ignores it.
// From outermost to innermost: each dimension of `order` (its block count if the dimension is blocked,
// rounded up), then each of `blocks`. Lanes past the end of a blocked dimension are padding, and so is what
// lies behind a vector of channels (rank 1) up to a whole vector of the target: zero in every value that is
// stored for others to read (see passes/lower/padding_lanes.h). Example, activations nChw16c: order
// {0,1,2,3}, blocks {{1,16}}. Example, weights O/32 I/16 kh kw 16i 32o: order {0,1,2,3}, blocks
// {{1,16},{0,32}}.
struct Layout {
  struct Block {
    int dim = 0;
    int64_t size = 1;
    bool operator==(const Block&) const = default;
  };
  std::vector<int> order;     // empty: 0,1,2,... (row-major)
  std::vector<Block> blocks;  // at most one per dimension; empty: plain
  bool plain() const { return order.empty() && blocks.empty(); }
  int64_t block(int dim) const;  // 1 where `dim` is not blocked
  bool operator==(const Layout&) const = default;
};

struct Type {
  DType dtype = DType::f32;
  Shape shape;  // empty: a scalar
  Layout layout;
  int rank() const { return static_cast<int>(shape.size()); }
  bool operator==(const Type&) const = default;
};
// "f32[N, 64, 56, 56]", "f32[N, 64, 56, 56 | 1:16]", "f32[64, 64, 3, 3 | order 1 0 2 3, 0:16, 1:32]"
std::string str(const Type&);

// Sizes of the physical array, outermost first: the dimensions in `order` divided by their blocks (rounded
// up), then the blocks. kBatch stays kBatch.
std::vector<int64_t> physical_dims(const Type&);
// Bytes of storage, of one sample if the type has a batch; padding lanes included; not rounded up to
// alignment.
int64_t storage_bytes_per_sample(const Type&);

// The places in memory, in elements, of what is padding by the rule at Layout, on a target whose vectors have
// `lanes` lanes, at this batch.
std::vector<int64_t> padding_elements(const Type&, int64_t batch, int64_t lanes);

}  // namespace rnc
