#include "runtime/array.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstring>

namespace rnrun {

namespace {

struct DTypeRow {
  std::string_view name;
  std::string_view safetensors;
  int64_t bytes;
};

// In the order of DType.
constexpr std::array<DTypeRow, 13> kDTypes = {{
    {"f32", "F32", 4},
    {"u8", "U8", 1},
    {"i32", "I32", 4},
    {"f64", "F64", 8},
    {"f16", "F16", 2},
    {"bf16", "BF16", 2},
    {"i64", "I64", 8},
    {"u64", "U64", 8},
    {"u32", "U32", 4},
    {"i16", "I16", 2},
    {"u16", "U16", 2},
    {"i8", "I8", 1},
    {"bool", "BOOL", 1},
}};

const DTypeRow& row(DType t) { return kDTypes[static_cast<size_t>(t)]; }

}  // namespace

std::string_view name(DType t) { return row(t).name; }
std::string_view safetensors_name(DType t) { return row(t).safetensors; }
int64_t bytes(DType t) { return row(t).bytes; }

std::optional<DType> find_safetensors_dtype(std::string_view name) {
  for (size_t i = 0; i < kDTypes.size(); ++i)
    if (kDTypes[i].safetensors == name) return static_cast<DType>(i);
  return std::nullopt;
}

DType dtype(const rn_type& type) { return static_cast<DType>(type.dtype); }

Array Array::zeros(DType dtype, std::vector<int64_t> shape) {
  int64_t elements = 1;
  for (const int64_t d : shape) elements *= d;
  Array array{dtype, std::move(shape), {}};
  array.data.resize(static_cast<size_t>(elements * bytes(dtype)));
  return array;
}

Array Array::scalar(float value) { return of<float>(DType::f32, {}, {&value, 1}); }

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
