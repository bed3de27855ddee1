#include "runtime/model/layout.h"

#include <array>
#include <cstring>

#include "runtime/support/array.h"

namespace rnrun {

namespace {

constexpr int64_t kMaxElements = int64_t{1} << 48;
constexpr int64_t kMaxBlock = 4096;

int64_t block_of(const rn_type& type, int dim) {
  for (int i = 0; i < type.blocks; ++i)
    if (type.block_dim[i] == dim) return type.block_size[i];
  return 1;
}

int64_t dim_of(const rn_type& type, int dim, int64_t batch) {
  return type.dims[dim] < 0 ? batch : type.dims[dim];
}

// Physical position (in elements) of an index: the sum over dimensions of offset[dim][index[dim]].
struct Offsets {
  std::array<std::vector<int64_t>, RN_MAX_RANK> of;
};

Offsets offsets(const rn_type& type) {
  std::array<int64_t, RN_MAX_RANK> outer{};
  std::array<int64_t, RN_MAX_RANK> inner{};
  int64_t stride = 1;
  for (int i = type.blocks - 1; i >= 0; --i) {
    inner[static_cast<size_t>(type.block_dim[i])] = stride;
    stride *= type.block_size[i];
  }
  for (int i = type.rank - 1; i >= 0; --i) {
    const int dim = type.order[i];
    const int64_t block = block_of(type, dim);
    outer[static_cast<size_t>(dim)] = stride;
    stride *= (type.dims[dim] + block - 1) / block;
  }
  Offsets result;
  for (int d = 0; d < type.rank; ++d) {
    const auto u = static_cast<size_t>(d);
    const int64_t block = block_of(type, d);
    for (int64_t i = 0; i < type.dims[d]; ++i)
      result.of[u].push_back(i / block * outer[u] + i % block * inner[u]);
  }
  return result;
}

// Calls visit(plain index, physical index) for every element, in plain order.
template <class Visit>
void for_each_element(const rn_type& type, const Visit& visit) {
  const Offsets table = offsets(type);
  int64_t plain = 0;
  const auto walk = [&](const auto& self, int dim, int64_t physical) -> void {
    if (dim == type.rank) {
      visit(plain++, physical);
      return;
    }
    for (const int64_t offset : table.of[static_cast<size_t>(dim)]) self(self, dim + 1, physical + offset);
  };
  walk(walk, 0, 0);
}

bool is_plain(const rn_type& type) {
  for (int i = 0; i < type.rank; ++i)
    if (type.order[i] != i) return false;
  return type.blocks == 0;
}

}  // namespace

bool valid(const rn_type& type, bool batch) {
  if (type.dtype < RN_F32 || type.dtype > RN_F64 || type.rank < 0 || type.rank > RN_MAX_RANK) return false;
  if (type.blocks < 0 || type.blocks > type.rank) return false;
  unsigned blocked = 0;
  for (int i = 0; i < type.blocks; ++i) {
    if (type.block_dim[i] < 0 || type.block_dim[i] >= type.rank) return false;
    if (type.block_size[i] < 1 || type.block_size[i] > kMaxBlock) return false;
    const unsigned bit = 1u << type.block_dim[i];
    if ((blocked & bit) != 0) return false;
    blocked |= bit;
  }
  int64_t elements = 1;
  unsigned ordered = 0;
  for (int i = 0; i < type.rank; ++i) {
    if (type.order[i] < 0 || type.order[i] >= type.rank) return false;
    ordered |= 1u << type.order[i];
    const int64_t dim = type.dims[i];
    if (dim == -1 && i == 0 && batch) continue;
    if (dim < 1 || dim > kMaxElements) return false;
    const int64_t padded = dim + block_of(type, i) - 1;
    if (__builtin_mul_overflow(elements, padded, &elements) || elements > kMaxElements) return false;
  }
  return ordered == (1u << type.rank) - 1;
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
  for (int i = 0; i < type.rank; ++i) {
    const int64_t block = block_of(type, i);
    count *= (dim_of(type, i, batch) + block - 1) / block * block;
  }
  return count * bytes(dtype(type));
}

void to_plain(const rn_type& type, const std::byte* physical, std::byte* plain) {
  const auto size = static_cast<size_t>(bytes(dtype(type)));
  if (is_plain(type)) {
    std::memcpy(plain, physical, static_cast<size_t>(plain_bytes(type)));
    return;
  }
  for_each_element(type, [&](int64_t from, int64_t at) {
    std::memcpy(plain + from * static_cast<int64_t>(size), physical + at * static_cast<int64_t>(size), size);
  });
}

void from_plain(const rn_type& type, const std::byte* plain, std::byte* physical) {
  const auto size = static_cast<size_t>(bytes(dtype(type)));
  if (is_plain(type)) {
    std::memcpy(physical, plain, static_cast<size_t>(plain_bytes(type)));
    return;
  }
  std::memset(physical, 0, static_cast<size_t>(physical_bytes(type)));
  for_each_element(type, [&](int64_t from, int64_t at) {
    std::memcpy(physical + at * static_cast<int64_t>(size), plain + from * static_cast<int64_t>(size), size);
  });
}

}  // namespace rnrun
