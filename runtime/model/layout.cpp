#include "runtime/model/layout.h"

#include <cstring>

#include "runtime/contract/layout.h"
#include "runtime/support/array.h"

namespace rnrun {

namespace {

constexpr int64_t kMaxElements = int64_t{1} << 48;

int64_t dim_of(const rn_type& type, int dim, int64_t batch) {
  return type.dims[dim] < 0 ? batch : type.dims[dim];
}

contract::Layout layout_of(const rn_type& type) {
  contract::Layout layout{{type.order, type.order + type.rank}, {}};
  for (int i = 0; i < type.blocks; ++i) layout.blocks.push_back({type.block_dim[i], type.block_size[i]});
  return layout;
}

bool is_plain(const rn_type& type) {
  for (int i = 0; i < type.rank; ++i)
    if (type.order[i] != i) return false;
  return type.blocks == 0;
}

// Copies all elements; one side is plain, the other as the type's layout says.
void move_elements(const rn_type& type, const std::byte* from, std::byte* to, bool from_plain) {
  const int64_t size = bytes(dtype(type));
  contract::Places(shape_of(type), layout_of(type)).each([&](int64_t number, int64_t place) {
    const int64_t source = from_plain ? number : place, target = from_plain ? place : number;
    std::memcpy(to + target * size, from + source * size, static_cast<size_t>(size));
  });
}

}  // namespace

bool valid(const rn_type& type, bool batch) {
  if (!contract::find_abi_dtype(type.dtype) || type.rank < 0 || type.rank > RN_MAX_RANK) return false;
  if (type.blocks < 0 || type.blocks > RN_MAX_RANK) return false;
  const contract::Layout layout = layout_of(type);
  if (!contract::well_formed(layout, type.rank)) return false;
  int64_t elements = 1;
  for (int i = 0; i < type.rank; ++i) {
    const int64_t dim = type.dims[i];
    if (dim == -1 && i == 0 && batch) continue;
    if (dim < 1 || dim > kMaxElements) return false;
    const int64_t padded = dim + layout.block(i) - 1;
    if (__builtin_mul_overflow(elements, padded, &elements) || elements > kMaxElements) return false;
  }
  return true;
}

std::vector<int64_t> shape_of(const rn_type& type, int64_t batch) {
  std::vector<int64_t> shape;
  for (int i = 0; i < type.rank; ++i) shape.push_back(dim_of(type, i, batch));
  return shape;
}

int64_t element_count(const rn_type& type, int64_t batch) {
  int64_t count = 1;
  for (int i = 0; i < type.rank; ++i) count *= dim_of(type, i, batch);
  return count;
}

int64_t plain_bytes(const rn_type& type, int64_t batch) {
  return element_count(type, batch) * bytes(dtype(type));
}

int64_t physical_bytes(const rn_type& type, int64_t batch) {
  int64_t count = 1;
  for (const int64_t dim : contract::physical_dims(shape_of(type, batch), layout_of(type))) count *= dim;
  return count * bytes(dtype(type));
}

void to_plain(const rn_type& type, const std::byte* physical, std::byte* plain) {
  if (is_plain(type)) {
    std::memcpy(plain, physical, static_cast<size_t>(plain_bytes(type)));
    return;
  }
  move_elements(type, physical, plain, false);
}

void from_plain(const rn_type& type, const std::byte* plain, std::byte* physical) {
  if (is_plain(type)) {
    std::memcpy(physical, plain, static_cast<size_t>(plain_bytes(type)));
    return;
  }
  std::memset(physical, 0, static_cast<size_t>(physical_bytes(type)));
  move_elements(type, plain, physical, true);
}

}  // namespace rnrun
