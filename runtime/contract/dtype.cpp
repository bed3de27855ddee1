#include "runtime/contract/dtype.h"

#include <array>

namespace contract {

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

}  // namespace contract
