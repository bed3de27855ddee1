// Tensors as they lie in the bytes of a file that someone else owns. What is read of a file is copied only
// where it is used.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/support/array.h"

namespace rnrun {

struct StoredTensor {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;     // in elements, by dimension; of the same size as `shape`
  std::span<const std::byte> data;  // from the first element on; at least as far as the last one

  // The tensor, row by row.
  Array array() const;
};
using StoredTensors = std::map<std::string, StoredTensor, std::less<>>;

// The strides of a tensor that lies row by row.
std::vector<int64_t> row_major(std::span<const int64_t> shape);
std::string type_text(const StoredTensor& tensor);

}  // namespace rnrun
