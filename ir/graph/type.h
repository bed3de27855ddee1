// Types of graph values: element type, shape with a symbolic batch, and storage layout.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/contract/dtype.h"
#include "runtime/contract/layout.h"

namespace rnc {

// What values of a graph may have says the table of types; for scalars f64, too: the numbers of an optimizer, double in
// PyTorch.
using contract::bytes;
using contract::DType;
using contract::is_real;
using contract::name;

// The symbolic batch size N. Only dimension 0 may be kBatch.
inline constexpr int64_t kBatch = -1;
using Shape = std::vector<int64_t>;
std::string str(const Shape&);  // "[N, 64, 56, 56]"
// Elements of one sample: the product of all dimensions but kBatch.
int64_t elements_per_sample(const Shape&);
bool has_batch(const Shape&);

// How a tensor lies in memory (runtime/contract/layout.h). It never changes what the value means: the
// interpreter ignores it. What lies behind a vector of channels (rank 1) up to a whole vector of the target is
// padding, too: zero in every value that is stored for others to read (see passes/lower/padding_lanes.h).
using Layout = contract::Layout;

struct Type {
  DType dtype = contract::kDefaultReal;
  Shape shape;  // empty: a scalar
  Layout layout;
  int rank() const { return static_cast<int>(shape.size()); }
  bool operator==(const Type&) const = default;
};
// "f32[N, 64, 56, 56]", "f32[N, 64, 56, 56 | 1:16]", "f32[64, 64, 3, 3 | order 1 0 2 3, 0:16, 1:32]"
std::string str(const Type&);

// The type with the element type that is computed with: shape rules know no other. A value may be stored as any type
// that is computed in the one that its operation gives; it is rounded to it, whoever reads it.
Type computed(Type);
// Whether the element type is one that values are stored as, and never computed in.
inline bool is_stored_only(const Type& type) {
  return contract::graph_use(type.dtype) == contract::GraphUse::stored;
}

// Sizes of the physical array, outermost first. kBatch stays kBatch.
std::vector<int64_t> physical_dims(const Type&);
// Bytes of storage, of one sample if the type has a batch; padding lanes included; not rounded up to
// alignment.
int64_t storage_bytes_per_sample(const Type&);

// The places in memory, in elements, of what is padding, on a target whose vectors have
// `lanes` lanes, at this batch.
std::vector<int64_t> padding_elements(const Type&, int64_t batch, int64_t lanes);

}  // namespace rnc
