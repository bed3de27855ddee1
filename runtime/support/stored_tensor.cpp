#include "runtime/support/stored_tensor.h"

#include <cstring>

namespace rnrun {

namespace {

// Copies what begins at `from` in the dimensions from `dim` on to `to`, and moves `to` behind it.
void copy_rows(const StoredTensor& t, size_t dim, const std::byte* from, size_t element, std::byte*& to) {
  if (dim == t.shape.size()) {
    std::memcpy(to, from, element);
    to += element;
    return;
  }
  const auto step = static_cast<size_t>(t.strides[dim]) * element;
  for (int64_t i = 0; i < t.shape[dim]; ++i, from += step) copy_rows(t, dim + 1, from, element, to);
}

}  // namespace

Array StoredTensor::array() const {
  Array array = Array::zeros(dtype, shape);
  if (array.data.empty()) return array;
  std::byte* to = array.data.data();
  if (strides == row_major(shape))
    std::memcpy(to, data.data(), array.data.size());
  else
    copy_rows(*this, 0, data.data(), static_cast<size_t>(contract::bytes(dtype)), to);
  return array;
}

std::vector<int64_t> row_major(std::span<const int64_t> shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)  // those of an empty tensor may be beyond what there is
    strides[i - 1] =
        static_cast<int64_t>(static_cast<uint64_t>(strides[i]) * static_cast<uint64_t>(shape[i]));
  return strides;
}

std::string type_text(const StoredTensor& tensor) { return type_text(tensor.dtype, tensor.shape); }

}  // namespace rnrun
