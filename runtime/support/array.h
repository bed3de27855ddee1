// Plain row-major arrays, as tensor files hold them and entries take and return them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/contract/abi.h"
#include "runtime/contract/dtype.h"
#include "runtime/support/memory.h"

namespace rnrun {

using contract::DType;
DType dtype(const rn_type&);

struct Array {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;  // empty: a scalar
  AlignedBytes data;

  // Zeros.
  static Array zeros(DType dtype, std::vector<int64_t> shape);
  static Array scalar(float value);
  static Array scalar(DType dtype, double value);  // of f32 or f64
  template <class T>
  static Array of(DType dtype, std::vector<int64_t> shape, std::span<const T> values);

  int64_t elements() const { return static_cast<int64_t>(data.size()) / bytes(dtype); }
  template <class T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }
  template <class T>
  std::span<T> as() {
    return {reinterpret_cast<T*>(data.data()), data.size() / sizeof(T)};
  }
  bool operator==(const Array&) const = default;
};
using Arrays = std::map<std::string, Array, std::less<>>;

// "f32[64, 3, 7, 7]"; a batch dimension (-1) prints as N.
std::string type_text(DType dtype, std::span<const int64_t> shape);
std::string type_text(const Array&);
std::string type_text(const rn_type&);

template <class T>
Array Array::of(DType dtype, std::vector<int64_t> shape, std::span<const T> values) {
  Array array{dtype, std::move(shape), {}};
  const auto bytes = std::as_bytes(values);
  array.data.assign(bytes.begin(), bytes.end());
  return array;
}

}  // namespace rnrun
