#include "runtime/contract/dtype.h"

#include <algorithm>
#include <array>

#include "runtime/contract/abi.h"

namespace contract {

namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::string_view safetensors;
  int64_t bytes;
  int32_t abi = -1;  // -1: not in the ABI
};

constexpr std::array<DTypeRow, 13> kDTypes = {{
    {DType::f32, "f32", "F32", 4, RN_F32},
    {DType::u8, "u8", "U8", 1, RN_U8},
    {DType::i32, "i32", "I32", 4, RN_I32},
    {DType::f64, "f64", "F64", 8, RN_F64},
    {DType::f16, "f16", "F16", 2},
    {DType::bf16, "bf16", "BF16", 2},
    {DType::i64, "i64", "I64", 8},
    {DType::u64, "u64", "U64", 8},
    {DType::u32, "u32", "U32", 4},
    {DType::i16, "i16", "I16", 2},
    {DType::u16, "u16", "U16", 2},
    {DType::i8, "i8", "I8", 1},
    {DType::boolean, "boolean", "BOOL", 1},
}};

constexpr bool in_order() {
  for (size_t i = 0; i < kDTypes.size(); ++i)
    if (static_cast<size_t>(kDTypes[i].dtype) != i) return false;
  return true;
}
static_assert(in_order(), "a row for each type, in the order of DType");

const DTypeRow& row(DType t) { return kDTypes[static_cast<size_t>(t)]; }

template <class Key>
std::optional<DType> find(Key DTypeRow::*member, Key key) {
  const auto* found = std::ranges::find(kDTypes, key, member);
  return found == kDTypes.end() ? std::nullopt : std::optional(found->dtype);
}

}  // namespace

std::string_view name(DType t) { return row(t).name; }
std::string_view safetensors_name(DType t) { return row(t).safetensors; }
int64_t bytes(DType t) { return row(t).bytes; }

std::optional<DType> find_safetensors_dtype(std::string_view name) {
  return find(&DTypeRow::safetensors, name);
}

std::optional<int32_t> abi_code(DType t) { return row(t).abi < 0 ? std::nullopt : std::optional(row(t).abi); }

std::optional<DType> find_abi_dtype(int32_t code) {
  return code < 0 ? std::nullopt : find(&DTypeRow::abi, code);
}

}  // namespace contract
