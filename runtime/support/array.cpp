#include "runtime/support/array.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

namespace rnrun {

DType dtype(const rn_type& type) { return contract::find_abi_dtype(type.dtype).value(); }

Array Array::zeros(DType dtype, std::vector<int64_t> shape) {
  int64_t elements = 1;
  for (const int64_t d : shape) elements *= d;
  Array array{dtype, std::move(shape), {}};
  array.data.resize(static_cast<size_t>(elements * bytes(dtype)));
  return array;
}

Array Array::scalar(float value) { return of<float>(DType::f32, {}, {&value, 1}); }
Array Array::scalar(DType dtype, double value) {
  return dtype == DType::f64 ? of<double>(dtype, {}, {&value, 1}) : scalar(static_cast<float>(value));
}

std::string type_text(DType dtype, std::span<const int64_t> shape) {
  std::string dims;
  for (const int64_t d : shape) {
    if (!dims.empty()) dims += ", ";
    dims += d < 0 ? "N" : std::to_string(d);
  }
  return fmt::format("{}[{}]", name(dtype), dims);
}

std::string type_text(const Array& array) { return type_text(array.dtype, array.shape); }

std::string type_text(const rn_type& type) {
  return type_text(dtype(type), {type.dims, static_cast<size_t>(type.rank)});
}

}  // namespace rnrun
