// Moves tensors between plain row-major storage and the layout a model keeps them in (rn_type of abi.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/contract/abi.h"

namespace rnrun {

// A well-formed type: known dtype, rank and dimensions in range, a well-formed layout (contract/layout.h),
// sizes below 2^48. `batch` allows dims[0] == -1.
bool valid(const rn_type& type, bool batch);

// The shape with the batch filled in.
std::vector<int64_t> shape_of(const rn_type& type, int64_t batch = 1);
int64_t element_count(const rn_type& type, int64_t batch = 1);
// Bytes of the tensor in plain storage.
int64_t plain_bytes(const rn_type& type, int64_t batch = 1);
// Bytes of the tensor as the model stores it, padding lanes included.
int64_t physical_bytes(const rn_type& type, int64_t batch = 1);

// Copies a tensor without batch. `plain` holds plain_bytes, `physical` holds physical_bytes.
void to_plain(const rn_type& type, const std::byte* physical, std::byte* plain);
// Also zeroes the padding lanes.
void from_plain(const rn_type& type, const std::byte* plain, std::byte* physical);

}  // namespace rnrun
